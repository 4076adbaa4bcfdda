// Arguments, environment, random bytes, the end of the guest, and the making of one.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "unit/wasi/harness.h"
#include "wasi/errors.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::kNowhere;
using test::TemporaryDirectory;

std::vector<std::string> strings(Guest& guest, std::string_view sizes, std::string_view get) {
  const Address count = guest.room(4);
  const Address size = guest.room(4);
  EXPECT_EQ(guest.call(sizes, count, size), Errno::success);
  const uint32_t number = guest.at<uint32_t>(count);
  const uint32_t bytes = guest.at<uint32_t>(size);
  const Address pointers = guest.room(number * 4);
  const Address buffer = guest.room(bytes);
  EXPECT_EQ(guest.call(get, pointers, buffer), Errno::success);
  std::vector<std::string> result;
  for (uint32_t i = 0; i < number; ++i) {
    const Address address = guest.at<Address>(pointers + 4 * i);
    const std::string rest = guest.text_at(address, buffer + bytes - address);
    EXPECT_NE(rest.find('\0'), std::string::npos);
    result.emplace_back(rest.c_str());
  }
  return result;
}

TEST(WasiProcess, GivesArguments) {
  Guest guest({.arguments = {"program", "", "two words"}});
  EXPECT_EQ(strings(guest, "args_sizes_get", "args_get"), (std::vector<std::string>{"program", "", "two words"}));
}

TEST(WasiProcess, GivesNoArguments) {
  Guest guest;
  EXPECT_TRUE(strings(guest, "args_sizes_get", "args_get").empty());
  EXPECT_TRUE(strings(guest, "environ_sizes_get", "environ_get").empty());
}

TEST(WasiProcess, GivesEnvironment) {
  Guest guest({.environment = {{"HOME", "/"}, {"EMPTY", ""}, {"A", "b=c"}}});
  EXPECT_EQ(strings(guest, "environ_sizes_get", "environ_get"),
            (std::vector<std::string>{"HOME=/", "EMPTY=", "A=b=c"}));
}

TEST(WasiProcess, ArgumentsAndEnvironmentCheckAddresses) {
  Guest guest({.arguments = {"program"}, .environment = {{"A", "b"}}});
  const Address good = guest.room(64);
  const auto last = static_cast<Address>(guest.size() - 3);
  for (const auto* name : {"args_sizes_get", "environ_sizes_get", "args_get", "environ_get"}) {
    EXPECT_EQ(guest.call(name, good, kNowhere), Errno::fault) << name;
    EXPECT_EQ(guest.call(name, kNowhere, good), Errno::fault) << name;
    EXPECT_EQ(guest.call(name, last, good), Errno::fault) << name;
    EXPECT_EQ(guest.call(name, good, last), Errno::fault) << name;
  }
}

TEST(WasiProcess, ArgumentsFitExactlyAtTheEndOfMemory) {
  Guest guest({.arguments = {"ab"}});
  const auto end = static_cast<Address>(guest.size());
  EXPECT_EQ(guest.call("args_get", end - 4, end - 7), Errno::success);
  EXPECT_EQ(guest.at<Address>(end - 4), end - 7);
  EXPECT_EQ(guest.call("args_get", end - 8, end - 3), Errno::success);
  EXPECT_EQ(guest.text_at(end - 3, 3), std::string("ab\0", 3));
  EXPECT_EQ(guest.call("args_get", end - 8, end - 2), Errno::fault);
}

TEST(WasiProcess, GivesRandomBytes) {
  Guest guest;
  const Address buffer = guest.room(64);
  std::memset(guest.bytes() + buffer, 0, 64);
  ASSERT_EQ(guest.call("random_get", buffer, uint32_t{32}), Errno::success);
  const std::string bytes = guest.text_at(buffer, 64);
  EXPECT_GT(std::set<char>(bytes.begin(), bytes.begin() + 32).size(), 8U);
  EXPECT_EQ(bytes.substr(32), std::string(32, '\0'));
  EXPECT_EQ(guest.call("random_get", buffer, uint32_t{0}), Errno::success);
}

TEST(WasiProcess, RandomBytesCheckAddressAndLimit) {
  Guest guest({.limits = {.random_bytes = 1000}});
  const Address buffer = guest.room(2000);
  EXPECT_EQ(guest.call("random_get", buffer, uint32_t{1000}), Errno::success);
  EXPECT_EQ(guest.call("random_get", buffer, uint32_t{1001}), Errno::inval);
  EXPECT_EQ(guest.call("random_get", kNowhere, uint32_t{1}), Errno::fault);
  EXPECT_EQ(guest.call("random_get", static_cast<Address>(guest.size() - 10), uint32_t{11}), Errno::fault);
  EXPECT_EQ(guest.call("random_get", uint32_t{1}, ~uint32_t{0}), Errno::fault);
  // None at all has to be somewhere, too: behind the last byte is the last place for it.
  const auto end = static_cast<Address>(guest.size());
  EXPECT_EQ(guest.call("random_get", end, uint32_t{0}), Errno::success);
  EXPECT_EQ(guest.call("random_get", end + 1, uint32_t{0}), Errno::fault);
  EXPECT_EQ(guest.call("random_get", kNowhere, uint32_t{0}), Errno::fault);
}

TEST(WasiProcess, RandomBytesInManyPiecesCanBeInterrupted) {
  Guest guest({}, uint64_t{8} << 20);
  EXPECT_EQ(guest.call("random_get", uint32_t{100}, uint32_t{5} << 20), Errno::success);
  guest.thread().interrupt = 1;
  EXPECT_EQ(guest.call("random_get", uint32_t{100}, uint32_t{5} << 20), Errno::intr);
  EXPECT_EQ(guest.call("random_get", uint32_t{100}, uint32_t{16}), Errno::success);
}

TEST(WasiProcess, Yields) {
  Guest guest;
  EXPECT_EQ(guest.call("sched_yield"), Errno::success);
}

TEST(WasiProcess, Exits) {
  Guest guest;
  EXPECT_TRUE(guest.ends("proc_exit", uint32_t{0x8000'0003}));
  EXPECT_EQ(guest.thread().pending, abi::Pending::exit);
  EXPECT_EQ(guest.thread().exit_code, 0x8000'0003U);
}

TEST(WasiProcess, RaisesSignals) {
  Guest guest;
  constexpr uint32_t kAbort = 6;
  constexpr uint32_t kPipe = 13;
  constexpr uint32_t kStop = 18;
  EXPECT_EQ(guest.call("proc_raise", uint32_t{0}), Errno::success);
  EXPECT_EQ(guest.call("proc_raise", kPipe), Errno::success);
  EXPECT_EQ(guest.call("proc_raise", kStop), Errno::notsup);
  EXPECT_EQ(guest.call("proc_raise", uint32_t{31}), Errno::inval);
  EXPECT_EQ(guest.call("proc_raise", ~uint32_t{0}), Errno::inval);
  EXPECT_TRUE(guest.ends("proc_raise", kAbort));
  EXPECT_EQ(guest.thread().pending, abi::Pending::trap);
  EXPECT_NE(guest.thread().trap.message.find("abrt"), std::string::npos) << guest.thread().trap.message;
}

TEST(WasiProcess, KnowsEverySignal) {
  // The numbers and what each does, from the interface's description: the first word of what ends the guest is its
  // name, `-` is ignored, `!` stops.
  constexpr const char* kSignals[] = {
      "-",    "hup",  "int",  "quit",   "ill",  "trap", "abrt", "bus", "fpe", "kill", "usr1",
      "segv", "usr2", "-",    "alrm",   "term", "-",    "-",    "!",   "!",   "!",    "!",
      "-",    "xcpu", "xfsz", "vtalrm", "prof", "-",    "poll", "pwr", "sys",
  };
  for (uint32_t number = 0; number < std::size(kSignals); ++number) {
    const std::string name = kSignals[number];
    Guest guest;
    if (name == "-") {
      EXPECT_EQ(guest.call("proc_raise", number), Errno::success) << number;
    } else if (name == "!") {
      EXPECT_EQ(guest.call("proc_raise", number), Errno::notsup) << number;
    } else {
      EXPECT_TRUE(guest.ends("proc_raise", number)) << number;
      EXPECT_EQ(guest.thread().pending, abi::Pending::trap) << number;
      EXPECT_NE(guest.thread().trap.message.find("`" + name + "`"), std::string::npos) << guest.thread().trap.message;
    }
  }
}

// Most of these no test can provoke; that they are told by their numbers is all that can be wrong with them.
TEST(WasiErrors, AreTheHostsByTheNumbersOfTheInterface) {
  constexpr std::pair<int, uint16_t> kNumbers[] = {
      {0, 0},
      {E2BIG, 1},
      {EACCES, 2},
      {EADDRINUSE, 3},
      {EADDRNOTAVAIL, 4},
      {EAFNOSUPPORT, 5},
      {EAGAIN, 6},
      {EWOULDBLOCK, 6},
      {EALREADY, 7},
      {EBADF, 8},
      {EBADMSG, 9},
      {EBUSY, 10},
      {ECANCELED, 11},
      {ECHILD, 12},
      {ECONNABORTED, 13},
      {ECONNREFUSED, 14},
      {ECONNRESET, 15},
      {EDEADLK, 16},
      {EDESTADDRREQ, 17},
      {EDOM, 18},
      {EDQUOT, 19},
      {EEXIST, 20},
      {EFAULT, 21},
      {EFBIG, 22},
      {EHOSTUNREACH, 23},
      {EIDRM, 24},
      {EILSEQ, 25},
      {EINPROGRESS, 26},
      {EINTR, 27},
      {EINVAL, 28},
      {EIO, 29},
      {EISCONN, 30},
      {EISDIR, 31},
      {ELOOP, 32},
      {EMFILE, 33},
      {EMLINK, 34},
      {EMSGSIZE, 35},
      {EMULTIHOP, 36},
      {ENAMETOOLONG, 37},
      {ENETDOWN, 38},
      {ENETRESET, 39},
      {ENETUNREACH, 40},
      {ENFILE, 41},
      {ENOBUFS, 42},
      {ENODEV, 43},
      {ENOENT, 44},
      {ENOEXEC, 45},
      {ENOLCK, 46},
      {ENOLINK, 47},
      {ENOMEM, 48},
      {ENOMSG, 49},
      {ENOPROTOOPT, 50},
      {ENOSPC, 51},
      {ENOSYS, 52},
      {ENOTCONN, 53},
      {ENOTDIR, 54},
      {ENOTEMPTY, 55},
      {ENOTRECOVERABLE, 56},
      {ENOTSOCK, 57},
      {ENOTSUP, 58},
      {EOPNOTSUPP, 58},
      {ENOTTY, 59},
      {ENXIO, 60},
      {EOVERFLOW, 61},
      {EOWNERDEAD, 62},
      {EPERM, 63},
      {EPIPE, 64},
      {EPROTO, 65},
      {EPROTONOSUPPORT, 66},
      {EPROTOTYPE, 67},
      {ERANGE, 68},
      {EROFS, 69},
      {ESPIPE, 70},
      {ESRCH, 71},
      {ESTALE, 72},
      {ETIMEDOUT, 73},
      {ETXTBSY, 74},
      {EXDEV, 75},
      // What the interface has no name for.
      {EUCLEAN, 29},
      {ENOTBLK, 29},
      {100'000, 29},
      {-1, 29},
  };
  for (const auto& [host, number] : kNumbers) {
    EXPECT_EQ(static_cast<uint16_t>(from_host(host)), number) << host;
  }
  EXPECT_EQ(static_cast<uint16_t>(Errno::notcapable), 76);
}

TEST(WasiProcess, HasAllFunctions) {
  std::set<std::string_view> names;
  for (const auto& function : Wasi::functions()) {
    EXPECT_TRUE(names.insert(function.name).second) << function.name;
    const wasm::FunctionType type = runtime::parse_signature(function.signature);
    EXPECT_EQ(type.results.size(), function.name == "proc_exit" ? 0U : 1U) << function.name;
  }
  EXPECT_EQ(names.size(), 46U);
  EXPECT_EQ(Wasi::unstable_functions().size(), 45U);
}

Error creation_error(Options options) {
  auto wasi = Wasi::create(std::move(options));
  EXPECT_FALSE(wasi);
  return wasi ? Error{} : wasi.error();
}

TEST(WasiCreate, NamesTheDirectoryThatCannotBeOpened) {
  const TemporaryDirectory directory;
  Error error = creation_error({.preopens = {{.host = directory / "missing", .guest = "/data"}}});
  EXPECT_EQ(error.kind, ErrorKind::not_found);
  EXPECT_NE(error.message.find(directory / "missing"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("/data"), std::string::npos) << error.message;

  test::write_file(directory / "file", "");
  error = creation_error({.preopens = {{.host = directory / "file", .guest = "/data"}}});
  EXPECT_EQ(error.kind, ErrorKind::io);
  EXPECT_NE(error.message.find("Not a directory"), std::string::npos) << error.message;
}

TEST(WasiCreate, RefusesWhatNoGuestCanBeGiven) {
  const TemporaryDirectory directory;
  using namespace std::string_literals;
  EXPECT_EQ(creation_error({.arguments = {"a\0b"s}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.environment = {{"A", "a\0b"s}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.environment = {{"A=B", "c"}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.environment = {{"", "c"}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.preopens = {{directory.path(), ""}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.preopens = {{directory.path(), "a\0b"s}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.preopens = {{directory.path(), "/a"}, {directory.path(), "/a"}}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.limits = {.descriptors = 2}}).kind, ErrorKind::usage);
  EXPECT_EQ(creation_error({.preopens = {{directory.path(), "/"}}, .limits = {.descriptors = 3}}).kind,
            ErrorKind::usage);
}

TEST(WasiCreate, RefusesSocketsThatAreNone) {
  const TemporaryDirectory directory;
  const int file = open(directory.path().c_str(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(creation_error({.sockets = {{file}}}).kind, ErrorKind::io);
  close(file);
  EXPECT_EQ(creation_error({.sockets = {{-1}}}).kind, ErrorKind::io);
  EXPECT_EQ(creation_error({.sockets = {{1'000'000}}}).kind, ErrorKind::io);
}

TEST(WasiCreate, LeavesStreamsThatAreNotOpenClosed) {
  Guest guest({.stdin_fd = -1, .stdout_fd = 1'000'000});
  const Address result = guest.room(sizeof(FdStat));
  EXPECT_EQ(guest.call("fd_fdstat_get", Fd{0}, result), Errno::badf);
  EXPECT_EQ(guest.call("fd_fdstat_get", Fd{1}, result), Errno::badf);
  EXPECT_EQ(guest.call("fd_fdstat_get", Fd{2}, result), Errno::success);
}

}  // namespace
}  // namespace tenon::wasi
