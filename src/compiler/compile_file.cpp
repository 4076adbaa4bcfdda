#include "compiler/compile_file.h"

#include <fcntl.h>
#include <llvm/Support/ErrorHandling.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "wasm/module.h"

namespace tenon::compiler {

namespace {

/// A file beside `output` that takes its place, or goes away.
class NewFile {
 public:
  explicit NewFile(std::string output) : output_(std::move(output)), path_(output_ + ".XXXXXX") {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
      unlink(path_.c_str());
    }
  }

  Result<> write(base::Bytes bytes) {
    descriptor_ = mkostemp(path_.data(), O_CLOEXEC);
    if (descriptor_ < 0) {
      return fail(ErrorKind::io, "cannot write {}: {}", output_, std::strerror(errno));
    }
    // The system keeps what was written at once together, and a process that touches a page of it gets it all.
    constexpr size_t kPage = 4096;
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kPage));
      if (count < 0 && errno != EINTR) {
        return fail(ErrorKind::io, "cannot write {}: {}", path_, std::strerror(errno));
      }
      bytes = bytes.subspan(count < 0 ? 0 : static_cast<size_t>(count));
    }
    return {};
  }

  Result<> publish() {
    // mkostemp() lets nobody else read it. There is no way to ask for the umask without setting it.
    constexpr mode_t kReadable = 0644;
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(descriptor_, kReadable & ~mask) != 0 || rename(path_.c_str(), output_.c_str()) != 0) {
      return fail(ErrorKind::io, "cannot write {}: {}", output_, std::strerror(errno));
    }
    close(descriptor_);
    descriptor_ = -1;
    return {};
  }

 private:
  std::string output_;
  std::string path_;
  int descriptor_ = -1;
};

void end_process(void*, const char* reason, bool) {
  (void)fprintf(stderr, "tenon-compile: LLVM gave up: %s\n", reason);
  _exit(1);
}

void end_process_without_memory(void*, const char*, bool) {
  constexpr char kMessage[] = "tenon-compile: out of memory\n";
  (void)!::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(1);
}

}  // namespace

Result<> compile_file(const std::string& input, const std::string& output, const CompileOptions& options) {
  const base::FileBytes bytes = TENON_TRY(base::FileBytes::map(input));
  const std::optional<base::Sha256> hash = base::sha256(bytes);
  if (!hash) {
    return fail(ErrorKind::io, "{}: was truncated while it was read", input);
  }
  const base::FileIdentity& identity = bytes.identity();
  const ModuleOrigin origin{.hash = *hash,
                            .size = bytes.view().size(),
                            .changed_ns = identity.modified_ns,
                            .device = identity.device,
                            .inode = identity.inode};
  const auto module = TENON_TRY(wasm::decode_and_validate(bytes, input));
  const std::vector<uint8_t> image = TENON_TRY(compile(*module, origin, options));
  NewFile file(output);
  TENON_CHECK(file.write(image));
  return file.publish();
}

void exit_on_fatal_errors() {
  llvm::install_fatal_error_handler(end_process);
  llvm::install_bad_alloc_error_handler(end_process_without_memory);
}

}  // namespace tenon::compiler
