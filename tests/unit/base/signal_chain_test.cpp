#include "base/signal_chain.h"

#include <gtest/gtest.h>

namespace tenon::base {
namespace {

struct Called {
  int signal = 0;
  const siginfo_t* info = nullptr;
  const void* context = nullptr;
};
Called called;

class SignalChainTest : public ::testing::Test {
 protected:
  SignalChainTest() { called = {}; }

  bool call(const struct sigaction& previous) { return call_previous_handler(previous, SIGURG, &info_, &context_); }

  siginfo_t info_{};
  int context_ = 0;
};

TEST_F(SignalChainTest, AHandlerThatWantsInformationGetsIt) {
  struct sigaction previous{};
  previous.sa_flags = SA_SIGINFO;
  previous.sa_sigaction = [](int signal, siginfo_t* info, void* context) { called = {signal, info, context}; };
  EXPECT_TRUE(call(previous));
  EXPECT_EQ(called.signal, SIGURG);
  EXPECT_EQ(called.info, &info_);
  EXPECT_EQ(called.context, &context_);
}

TEST_F(SignalChainTest, AnyOtherHandlerGetsTheSignal) {
  struct sigaction previous{};
  previous.sa_handler = [](int signal) { called.signal = signal; };
  EXPECT_TRUE(call(previous));
  EXPECT_EQ(called.signal, SIGURG);
}

TEST_F(SignalChainTest, NothingIsCalledWhereThereIsNoHandler) {
  for (const int flags : {0, SA_SIGINFO}) {
    struct sigaction previous{};
    previous.sa_flags = flags;
    previous.sa_handler = SIG_DFL;
    EXPECT_FALSE(call(previous));
    previous.sa_handler = SIG_IGN;
    EXPECT_FALSE(call(previous));
  }
}

}  // namespace
}  // namespace tenon::base
