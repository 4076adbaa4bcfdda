#include "link/confined_open.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::TemporaryDirectory;

/// All of it must hold whether the kernel confines the name or we do.
class OpenBelow : public ::testing::TestWithParam<Confinement> {
 protected:
  OpenBelow() {
    (void)directory_.write("outside", {'o'});
    (void)directory_.write("root/file", {'f'});
    (void)directory_.write("root/sub/deep/file", {'d'});
    root_ = Descriptor(open(directory_.path("root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  [[nodiscard]] std::expected<Descriptor, int> open_name(const std::string& name) const {
    return open_below(root_.get(), name, GetParam());
  }
  /// The first byte of what the name opens, or minus the error.
  [[nodiscard]] int look(const std::string& name) const {
    const auto file = open_name(name);
    if (!file) {
      return -file.error();
    }
    char byte = 0;
    return read(file->get(), &byte, 1) == 1 ? byte : -errno;
  }

  TemporaryDirectory directory_;
  Descriptor root_;
};

TEST_P(OpenBelow, FindsWhatIsBelow) {
  EXPECT_EQ(look("file"), 'f');
  EXPECT_EQ(look("./sub//deep/./file"), 'd');
  EXPECT_EQ(look("sub/deep/../../file"), 'f');
  EXPECT_EQ(look("nothing"), -ENOENT);
  EXPECT_EQ(look("file/more"), -ENOTDIR);
}

TEST_P(OpenBelow, RefusesToLeave) {
  EXPECT_EQ(look(".."), -EXDEV);
  EXPECT_EQ(look("../outside"), -EXDEV);
  EXPECT_EQ(look("sub/../../outside"), -EXDEV);
  EXPECT_EQ(look(directory_.path("outside")), -EXDEV);
  EXPECT_EQ(look("/etc/passwd"), -EXDEV);
}

TEST_P(OpenBelow, FollowsLinksInsideOnly) {
  directory_.link("sub/deep/file", "root/inside");
  directory_.link("../file", "root/sub/back");
  directory_.link("../outside", "root/out");
  directory_.link(directory_.path("outside"), "root/absolute");
  directory_.link(directory_.path("root/file"), "root/absolute-but-inside");
  directory_.link("..", "root/sub/up");
  directory_.link("../..", "root/sub/up-and-out");
  EXPECT_EQ(look("inside"), 'd');
  EXPECT_EQ(look("sub/back"), 'f');
  EXPECT_EQ(look("sub/up/file"), 'f');
  EXPECT_EQ(look("out"), -EXDEV);
  EXPECT_EQ(look("absolute"), -EXDEV);
  EXPECT_EQ(look("absolute-but-inside"), -EXDEV);
  EXPECT_EQ(look("sub/up-and-out/outside"), -EXDEV);
}

TEST_P(OpenBelow, GivesUpOnCircles) {
  directory_.link("b", "root/a");
  directory_.link("a", "root/b");
  EXPECT_EQ(look("a"), -ELOOP);
}

TEST_P(OpenBelow, DoesNotWaitForAFifo) {
  ASSERT_EQ(mkfifo(directory_.path("root/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(open_name("fifo"));
}

TEST_P(OpenBelow, OpensADirectoryAsOne) {
  for (const char* const name : {".", "sub", "sub/deep/.."}) {
    const auto file = open_name(name);
    ASSERT_TRUE(file) << name;
    struct stat status{};
    ASSERT_EQ(fstat(file->get(), &status), 0);
    EXPECT_TRUE(S_ISDIR(status.st_mode)) << name;
  }
}

TEST_P(OpenBelow, RefusesNamesThatAreNone) {
  EXPECT_EQ(look(""), -ENOENT);
  EXPECT_EQ(look(std::string("fi\0le", 5)), -ENOENT);
}

INSTANTIATE_TEST_SUITE_P(ByKernelAndByWalk, OpenBelow, ::testing::Values(Confinement::automatic, Confinement::walk));

}  // namespace
}  // namespace tenon::link
