#include "compiler/link_image.h"

#include <fcntl.h>
#include <lld/Common/CommonLinkerContext.h>
#include <lld/Common/Driver.h>
#include <llvm/Support/raw_ostream.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "compiler/personality.h"

LLD_HAS_DRIVER(elf)

namespace tenon::compiler {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) {
      ::close(std::exchange(number_, -1));
    }
  }
  [[nodiscard]] int number() const { return number_; }
  /// A path by which the linker can open it.
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", number_); }

 private:
  int number_;
};

Result<Descriptor> memory_file(std::span<const char> bytes) {
  Descriptor file(memfd_create("tenon-object", MFD_CLOEXEC));
  if (file.number() < 0) {
    return fail(ErrorKind::io, "cannot make a file in memory: {}", std::strerror(errno));
  }
  while (!bytes.empty()) {
    const ssize_t written = write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return fail(ErrorKind::io, "cannot write a file in memory: {}", std::strerror(errno));
    }
    bytes = bytes.subspan(written < 0 ? 0 : static_cast<size_t>(written));
  }
  return file;
}

/// Where the linker writes. A pipe: to anything that is a file it would write beside it first, and rename.
class Output {
 public:
  [[nodiscard]] static Result<Output> make() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return fail(ErrorKind::io, "cannot make a pipe: {}", std::strerror(errno));
    }
    constexpr int kSize = 1 << 20;
    (void)fcntl(ends[1], F_SETPIPE_SZ, kSize);  // only makes it faster
    Output output;
    output.read_end_ = Descriptor(ends[0]);
    output.write_end_ = Descriptor(ends[1]);
    return output;
  }

  [[nodiscard]] std::string path() const { return write_end_.path(); }

  /// Calls `write`, which writes to path(), and returns what it wrote.
  template <class Write>
  std::vector<uint8_t> collect(Write write) {
    std::vector<uint8_t> bytes;
    {
      const std::jthread reader([&] { read_all(bytes); });
      write();
      write_end_.close();
    }
    return bytes;
  }

 private:
  void read_all(std::vector<uint8_t>& bytes) const {
    constexpr size_t kChunk = 1 << 20;
    size_t size = 0;
    for (;;) {
      bytes.resize(size + kChunk);
      const ssize_t count = read(read_end_.number(), bytes.data() + size, kChunk);
      if (count == 0 || (count < 0 && errno != EINTR)) {
        break;
      }
      size += count < 0 ? 0 : static_cast<size_t>(count);
    }
    bytes.resize(size);
  }

  Descriptor read_end_;
  Descriptor write_end_;
};

/// lld has global state.
std::mutex linker_lock;

}  // namespace

Result<std::vector<uint8_t>> link_image(std::span<ObjectBytes> objects, const Target& target, unsigned threads) {
  std::vector<Descriptor> files;
  for (ObjectBytes& object : objects) {
    TENON_CHECK(refer_to_personality_directly(object));
    files.push_back(TENON_TRY(memory_file(object)));
    object = {};
  }
  Output output = TENON_TRY(Output::make());

  std::vector<std::string> words = {
      "ld.lld",
      "-shared",
      "--image-base=0",
      "-zdefs",
      "-zseparate-loadable-segments",
      fmt::format("-zmax-page-size={}", target.page_size),
      // Nothing is written when it is loaded, so nothing needs pages that could be.
      "-znorelro",
      "-zrodynamic",
      "--hash-style=gnu",
      "--eh-frame-hdr",
      "--build-id=sha1",
      "--no-mmap-output-file",
      "-O0",
      fmt::format("--threads={}", threads),
      "-o",
      output.path(),
  };
  for (const Descriptor& file : files) {
    words.push_back(file.path());
  }
  std::vector<const char*> arguments;
  arguments.reserve(words.size());
  for (const std::string& word : words) {
    arguments.push_back(word.c_str());
  }

  std::string messages;
  llvm::raw_string_ostream stream(messages);
  bool is_linked = false;
  std::vector<uint8_t> bytes = output.collect([&] {
    const std::lock_guard guard(linker_lock);
    is_linked = lld::elf::link(arguments, stream, stream, /*exitEarly=*/false, /*disableOutput=*/false);
    lld::CommonLinkerContext::destroy();
  });
  if (!is_linked || !messages.empty()) {
    const bool is_too_large = messages.find("out of range") != std::string::npos;
    return fail(is_too_large ? ErrorKind::limit : ErrorKind::invalid, "{}the linker says: {}",
                is_too_large ? "the module is too large to compile: " : "internal error: ", messages);
  }
  return bytes;
}

}  // namespace tenon::compiler
