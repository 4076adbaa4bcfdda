// What the host's other rooms ask of a guest's file system: what the guest can write, and files by the guest's paths.
#include <algorithm>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::TemporaryDirectory;

class WasiHost : public ::testing::TestWithParam<bool> {
 protected:
  WasiHost() {
    for (const auto* name : {"rw", "rw/inner", "ro", "ro/inner", "other", "rw/nested", "usr", "usr/lib"}) {
      std::filesystem::create_directory(host_ / name);
    }
    test::write_file(host_ / "rw/inner/lib.so", "rw");
    test::write_file(host_ / "ro/lib.so", "ro");
    test::write_file(host_ / "usr/lib/lib.so", "usr");
    test::write_file(host_ / "other/lib.so", "other");
    output_ = open((host_ / "other/output").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    wasi_ = std::move(*Wasi::create({.preopens = {{host_ / "rw", "/"},
                                                  {host_ / "ro", "/ro", true},
                                                  {host_ / "usr", "/usr/"},
                                                  {host_ / "usr/lib", "/usr/lib"}},
                                     .stdin_fd = -1,
                                     .stdout_fd = output_,
                                     .stderr_fd = -1,
                                     .use_openat2 = GetParam()}));
  }
  ~WasiHost() override { close(output_); }

  bool can_write(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(descriptor, 0) << path;
    const bool result = wasi_->guest_can_write(descriptor);
    close(descriptor);
    return result;
  }
  Result<std::string> content(std::string_view guest_path) {
    const int descriptor = TENON_TRY(wasi_->open_for_linker(guest_path));
    std::array<char, 100> buffer{};
    const ssize_t length = read(descriptor, buffer.data(), buffer.size());
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    close(descriptor);
    return std::string(buffer.data(), static_cast<size_t>(length));
  }
  Error error(std::string_view guest_path) {
    auto result = wasi_->open_for_linker(guest_path);
    if (result) {
      ADD_FAILURE() << guest_path;
      close(*result);
      return {};
    }
    EXPECT_NE(result.error().message.find(guest_path), std::string::npos) << result.error().message;
    return result.error();
  }

  TemporaryDirectory host_;
  int output_ = -1;
  std::unique_ptr<Wasi> wasi_;
};

INSTANTIATE_TEST_SUITE_P(Resolution, WasiHost, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "InKernel" : "ByWalk"; });

TEST_P(WasiHost, KnowsWhatTheGuestCanWrite) {
  EXPECT_TRUE(wasi_->guest_can_write_files());
  EXPECT_TRUE(can_write(host_ / "rw"));
  EXPECT_TRUE(can_write(host_ / "rw/inner"));
  EXPECT_TRUE(can_write(host_ / "usr/lib"));
  EXPECT_FALSE(can_write(host_ / "ro"));
  EXPECT_FALSE(can_write(host_ / "ro/inner"));
  EXPECT_FALSE(can_write(host_ / "other"));
  EXPECT_FALSE(can_write(host_.path()));
  EXPECT_FALSE(can_write("/"));
  // Whatever it is called.
  ASSERT_EQ(symlink((host_ / "rw/inner").c_str(), (host_ / "other/link").c_str()), 0);
  EXPECT_TRUE(can_write(host_ / "other/link"));
  ASSERT_EQ(rename((host_ / "rw/inner").c_str(), (host_ / "other/moved").c_str()), 0);
  EXPECT_FALSE(can_write(host_ / "other/moved"));
  EXPECT_TRUE(wasi_->guest_can_write(-1));  // who knows
}

TEST_P(WasiHost, KnowsWhichFilesTheGuestCanWrite) {
  EXPECT_TRUE(can_write(host_ / "other/output"));
  EXPECT_FALSE(can_write(host_ / "other/lib.so"));
  ASSERT_EQ(link((host_ / "other/lib.so").c_str(), (host_ / "rw/linked.so").c_str()), 0);
  EXPECT_TRUE(can_write(host_ / "other/lib.so"));
}

TEST(WasiHostWithoutPreopens, TheGuestCanWriteNothing) {
  const auto wasi = std::move(*Wasi::create({.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1}));
  const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_FALSE(wasi->guest_can_write(root));
  EXPECT_FALSE(wasi->guest_can_write_files());
  close(root);
  const auto opened = wasi->open_for_linker("/lib.so");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::not_found);
}

TEST_P(WasiHost, OpensFilesByTheGuestsPaths) {
  for (const auto* path : {"/inner/lib.so", "inner/lib.so", "./inner/lib.so", "//inner//lib.so", "/./inner/lib.so",
                           "/inner/../inner/lib.so"}) {
    EXPECT_EQ(content(path).value_or(""), "rw") << path;
  }
  EXPECT_EQ(content("/ro/lib.so").value_or(""), "ro");
  EXPECT_EQ(content("ro/lib.so").value_or(""), "ro");
  EXPECT_EQ(content("/usr/lib/lib.so").value_or(""), "usr");  // by the longest name
  EXPECT_EQ(content("/usr//lib/lib.so").value_or(""), "usr");
  EXPECT_EQ(error("/roo/lib.so").kind, ErrorKind::not_found);  // a name is not half a name
  EXPECT_EQ(error("/missing.so").kind, ErrorKind::not_found);
  EXPECT_EQ(error("/inner/lib.so/x").kind, ErrorKind::not_found);
  EXPECT_EQ(error("/inner").kind, ErrorKind::io);
  EXPECT_EQ(error("/").kind, ErrorKind::io);
  EXPECT_FALSE(wasi_->open_for_linker(""));
  EXPECT_FALSE(wasi_->open_for_linker(std::string_view("/inner/lib.so\0", 14)));
  EXPECT_EQ(error(std::string(5000, 'x')).kind, ErrorKind::not_found);
}

TEST_P(WasiHost, ConfinesThosePaths) {
  ASSERT_EQ(symlink("../other/lib.so", (host_ / "rw/link.so").c_str()), 0);
  ASSERT_EQ(symlink((host_ / "other/lib.so").c_str(), (host_ / "rw/absolute.so").c_str()), 0);
  ASSERT_EQ(symlink("inner/lib.so", (host_ / "rw/good.so").c_str()), 0);
  EXPECT_EQ(content("/good.so").value_or(""), "rw");
  for (const auto* path : {"/../other/lib.so", "../other/lib.so", "/ro/../../other/lib.so", "/link.so", "/absolute.so",
                           "/ro/../inner/lib.so"}) {
    EXPECT_EQ(error(path).kind, ErrorKind::io) << path;
  }
  EXPECT_NE(error("/link.so").message.find("leads out"), std::string::npos);
}

TEST_P(WasiHost, DoesNotWaitForAPipe) {
  ASSERT_EQ(mkfifo((host_ / "rw/fifo.so").c_str(), 0666), 0);
  EXPECT_EQ(error("/fifo.so").kind, ErrorKind::io);
}

TEST_P(WasiHost, TheGuestCannotCloseWhatTheLinkerUses) {
  const auto& functions = Wasi::functions();
  const auto close_function = std::ranges::find(functions, "fd_close", &runtime::HostFunctionDefinition::name);
  const auto thread = std::move(*runtime::Thread::create(65536));
  abi::Memory memory;
  std::array<abi::Cell, 1> cells{};
  cells[0].u64 = 3;
  runtime::HostCall call(*thread, &memory, cells.data());
  ASSERT_TRUE(close_function->function(wasi_->environment(), call));
  ASSERT_EQ(cells[0].u32, 0U);
  EXPECT_EQ(content("/inner/lib.so").value_or(""), "rw");
}

}  // namespace
}  // namespace tenon::wasi
