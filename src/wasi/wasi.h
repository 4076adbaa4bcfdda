// WASI preview 1 for one guest process: the host functions of `wasi_snapshot_preview1`, all of them, and of its
// predecessor `wasi_unstable`, with what they work on. Rooms that only want to register them need nothing but this
// header.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/host.h"

namespace tenon::wasi {

/// A host directory that the guest may use.
struct Preopen {
  std::string host = {};   ///< path on the host; opened by Wasi::create
  std::string guest = {};  ///< the name the guest sees, such as "/" or "/data"
  bool read_only = false;  ///< as if the directory were mounted read-only: changes fail with rofs
};

/// A socket of the host, connected or listening, that the guest may use.
struct Socket {
  int descriptor = -1;  ///< duplicated by Wasi::create; the caller keeps and closes its own
};

/// What one guest may use up of the host, and ask for in one call.
struct Limits {
  uint32_t descriptors = 1024;               ///< open at once: streams and preopens included
  uint32_t iovecs = 65536;                   ///< in one call; more are refused with inval
  uint32_t subscriptions = 4096;             ///< in one poll_oneoff; more are refused with inval
  uint32_t random_bytes = 64 * 1024 * 1024;  ///< in one random_get; more are refused with inval
};

struct Options {
  std::vector<std::string> arguments = {};  ///< the program's name first
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::vector<Preopen> preopens = {};  ///< from descriptor 3 on
  std::vector<Socket> sockets = {};  ///< after the preopens: wasi-libc stops to look for those at the first other thing
  /// The standard streams: descriptors of the host, borrowed for as long as the Wasi lives. The guest can close its
  /// numbers of them, not them. A negative one, or one that is not open, leaves the guest's number unused.
  int stdin_fd = 0;
  int stdout_fd = 1;
  int stderr_fd = 2;
  Limits limits = {};
  /// Whether paths are resolved by openat2 where the kernel has it. Off: by the walk that other kernels get; for tests.
  bool use_openat2 = true;
};

struct Process;

/// One guest process. Its functions may be called by any number of the guest's threads at once.
class Wasi {
 public:
  /// Opens the preopens. Errors: not_found or io for a directory that cannot be opened, or a descriptor that is no
  /// socket; usage for arguments that no guest can be given (a zero in a string, a name twice); limit for too many.
  [[nodiscard]] static Result<std::unique_ptr<Wasi>> create(Options options);
  ~Wasi();
  Wasi(const Wasi&) = delete;
  Wasi& operator=(const Wasi&) = delete;

  static constexpr std::string_view kModule = "wasi_snapshot_preview1";
  static constexpr std::string_view kUnstableModule = "wasi_unstable";

  /// The functions of kModule, and of kUnstableModule. The same for every process; live forever.
  [[nodiscard]] static std::span<const runtime::HostFunctionDefinition> functions();
  [[nodiscard]] static std::span<const runtime::HostFunctionDefinition> unstable_functions();
  /// What to register the functions with: valid for as long as this lives.
  [[nodiscard]] void* environment() const;

  /// Whether the guest can write what an open descriptor of the host is: for those who map files or run code from them.
  ///
  /// A directory: whether it or one above it is a preopen that is not read-only. Says true when it cannot tell.
  /// Anything else: whether it is one of the standard streams, or a file with further hard links on a file system of
  /// such a preopen, where one of them may lie. That says nothing of the directory the file was found in: ask for that
  /// as well. Does not see bind mounts of a preopen's subdirectories elsewhere.
  [[nodiscard]] bool guest_can_write(int descriptor) const;
  /// Whether there is anything at all that guest_can_write() could be true of.
  [[nodiscard]] bool guest_can_write_files() const;

  /// Opens a regular file for reading by a path of the guest's, as the guest's libc would find it: in the preopen whose
  /// name is the longest prefix, confined to it. A relative path counts from "/". Returns a descriptor of the host that
  /// the caller closes. Errors: not_found, io; they name the path.
  [[nodiscard]] Result<int> open_for_linker(std::string_view guest_path) const;

 private:
  explicit Wasi(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process_;
};

}  // namespace tenon::wasi
