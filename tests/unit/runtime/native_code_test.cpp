// What an address in compiled code says, and that its tables, which may be damaged, are not read past their ends.
#include "runtime/native_code.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace tenon::runtime {
namespace {

/// Bytes with nothing accessible behind them.
class LastBytes {
 public:
  explicit LastBytes(base::Bytes bytes) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* const mapped = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(mapped, MAP_FAILED);
    memory_ = static_cast<uint8_t*>(mapped);
    mprotect(memory_ + page_, page_, PROT_NONE);
    view_ = {memory_ + page_ - bytes.size(), bytes.size()};
    std::memcpy(memory_ + page_ - bytes.size(), bytes.data(), bytes.size());
  }
  ~LastBytes() { munmap(memory_, 2 * page_); }
  LastBytes(const LastBytes&) = delete;
  LastBytes& operator=(const LastBytes&) = delete;

  [[nodiscard]] base::Bytes view() const { return view_; }

 private:
  size_t page_;
  uint8_t* memory_ = nullptr;
  base::Bytes view_;
};

class NativeCodeTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kImported = 3;

  NativeCodeTest() {
    code_.base = image_.data();
    code_.image = image_;
    code_.text = image_;
    code_.imported_functions = kImported;
  }

  [[nodiscard]] uintptr_t address(uint32_t offset) const { return reinterpret_cast<uintptr_t>(image_.data()) + offset; }

  std::array<uint8_t, 64> image_{};
  NativeCode code_;
};

TEST_F(NativeCodeTest, AnAddressBelongsToTheFunctionThatStartsBeforeIt) {
  const std::vector<uint32_t> functions = {16, 32, 32, 48};
  code_.functions = functions;
  EXPECT_EQ(code_.function_at(address(16)), kImported);
  EXPECT_EQ(code_.function_at(address(31)), kImported);
  EXPECT_EQ(code_.function_at(address(32)), kImported + 2);
  EXPECT_EQ(code_.function_at(address(47)), kImported + 2);
  // Outside of all functions.
  EXPECT_EQ(code_.function_at(address(0)), kImported);
  EXPECT_EQ(code_.function_at(address(63)), kImported + 2);
}

TEST_F(NativeCodeTest, CodeWithoutFunctionsIsNobodys) {
  const std::vector<uint32_t> functions = {64};
  code_.functions = functions;
  EXPECT_EQ(code_.function_at(address(0)), kImported);
  EXPECT_EQ(code_.function_at(address(63)), kImported);
  register_native_code(code_);
  EXPECT_EQ(find_native_code(address(0)), nullptr);
  unregister_native_code(code_);
}

TEST_F(NativeCodeTest, CodeIsFoundWhileItIsKnown) {
  const std::vector<uint32_t> functions = {0, 64};
  code_.functions = functions;
  register_native_code(code_);
  EXPECT_EQ(find_native_code(address(63)), &code_);
  unregister_native_code(code_);
  EXPECT_EQ(find_native_code(address(63)), nullptr);
}

TEST_F(NativeCodeTest, PositionsAreReadUpToTheirEndOnly) {
  constexpr uint32_t kBody = 1000;
  const std::vector<uint32_t> functions = {0, 32, 64};
  // The second function: from its start on instruction 1005, 8 bytes later instruction 1003.
  const std::vector<uint32_t> index = {0, 0, 4};
  const std::vector<uint8_t> entries = {0, 10, 8, 5};
  std::vector<uint8_t> table(index.size() * sizeof(uint32_t));
  std::memcpy(table.data(), index.data(), table.size());
  table.insert(table.end(), entries.begin(), entries.end());
  code_.functions = functions;
  for (size_t size = 0; size <= table.size(); ++size) {
    const LastBytes positions(base::Bytes(table).first(size));
    code_.positions = positions.view();
    EXPECT_EQ(code_.position_of(address(31), kBody), 0);
    EXPECT_EQ(code_.position_of(address(39), kBody), size == table.size() ? kBody + 5 : 0);
    EXPECT_EQ(code_.position_of(address(40), kBody), size == table.size() ? kBody + 3 : 0);
  }
  code_.functions = code_.functions.last(1);
  const LastBytes empty(base::Bytes(table).first(sizeof(uint32_t)));
  code_.positions = empty.view();
  EXPECT_EQ(code_.position_of(address(0), kBody), 0);
}

}  // namespace
}  // namespace tenon::runtime
