#include "aot/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "abi/checksum.h"
#include "abi/cpu.h"
#include "aot/run_compiler.h"
#include "wasm/snapshot.h"

namespace tenon::aot {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool ok() const { return descriptor_ >= 0; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// Why nothing that `descriptor` is may be taken for native code to run; empty when it may.
// sandbox: an image is native code: it counts as much as the runtime's own, so nobody but the user (or root) may have
// been able to put it there.
std::string why_untrusted(int descriptor, const ImageStore::GuestCanWrite& guest_can_write) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    return strerror(errno);
  }
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return fmt::format("it belongs to user {}", status.st_uid);
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "other users can write it";
  }
  if (guest_can_write && guest_can_write(descriptor)) {
    return "the program can write it";
  }
  return {};
}

/// Makes the directory and those above it that are missing. Errors are found when it is opened.
void make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
  mkdir(path.c_str(), 0700);
}

std::string hexadecimal(base::Bytes bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace

/// One search for an image.
struct ImageStore::Search : Wanted {
  std::optional<base::Sha256> hash;

  /// Of the module's bytes; taken only when it is needed. Nothing when they shrank.
  const std::optional<base::Sha256>& module_hash() {
    if (!hash) {
      hash = base::sha256(bytes);
    }
    return hash;
  }
};

ImageStore::ImageStore(StoreOptions options) : options_(std::move(options)) {}

ImageStore::~ImageStore() {
  if (directory_.value_or(-1) >= 0) {
    close(*directory_);
  }
}

void ImageStore::report(const std::string& text) const {
  if (options_.report) {
    options_.report(text);
  }
}

std::vector<std::string> ImageStore::arguments(const abi::CodeOptions& code) const {
  std::vector<std::string> result = options_.compiler_arguments;
  if (code.checks == abi::BoundsChecks::explicit_checks) {
    result.emplace_back("--bounds-checks=explicit");
  }
  if (code.check_stack) {
    result.emplace_back("--check-stack");
  }
  return result;
}

std::string ImageStore::options_key(const abi::CodeOptions& code) const {
  std::string text =
      fmt::format("{} {} {}", abi::kAbiVersion, wasm::kSnapshotVersion, static_cast<uint32_t>(abi::kHostArchitecture));
  for (const uint64_t word : abi::host_cpu_features()) {
    text += fmt::format(" {:x}", word);
  }
  for (const std::string& argument : arguments(code)) {
    text += " " + argument;
  }
  return fmt::format("{:016x}", abi::checksum({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
}

/// The cache's directory, or -1.
int ImageStore::cache() {
  const std::scoped_lock lock(opening_);
  if (directory_) {
    return *directory_;
  }
  directory_ = -1;
  if (options_.cache_directory.empty()) {
    return -1;
  }
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor directory(::open(options_.cache_directory.c_str(), kFlags));
  const bool compiles = options_.mode == Mode::compiled || options_.compile != Compile::never;
  if (!directory.ok() && errno == ENOENT) {
    if (!compiles) {
      return -1;
    }
    make_directories(options_.cache_directory);
    directory_ = ::open(options_.cache_directory.c_str(), kFlags);
    if (*directory_ < 0) {
      report(fmt::format("cannot make the cache directory {}: {}", options_.cache_directory, strerror(errno)));
    }
    return *directory_;
  }
  if (!directory.ok()) {
    const int error = errno;
    struct stat status{};
    const bool is_link = lstat(options_.cache_directory.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    report(fmt::format("the cache directory {} is not used: {}", options_.cache_directory,
                       is_link ? "it is a symbolic link" : strerror(error)));
    return -1;
  }
  if (const std::string reason = why_untrusted(directory.get(), {}); !reason.empty()) {
    report(fmt::format("the cache directory {} is not used: {}", options_.cache_directory, reason));
    return -1;
  }
  directory_ = directory.release();
  return *directory_;
}

/// Maps an image and checks whose it is; null when there is none, or, with a report, when it is not to be used.
std::shared_ptr<Image> ImageStore::open(Search& search, int directory, const std::string& file,
                                        const std::string& shown, const GuestCanWrite& guest_can_write) {
  const Descriptor descriptor(openat(directory, file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.ok()) {
    if (errno != ENOENT) {
      report(fmt::format("{} is not used: {}", shown, errno == ELOOP ? "it is a symbolic link" : strerror(errno)));
    }
    return nullptr;
  }
  if (const std::string reason = why_untrusted(descriptor.get(), guest_can_write); !reason.empty()) {
    report(fmt::format("{} is not used: {}", shown, reason));
    return nullptr;
  }
  auto image = Image::map(descriptor.get(), shown, search.name, search.code);
  if (!image) {
    report(fmt::format("{}; it is not used", image.error().message));
    return nullptr;
  }
  if (search.bytes.is_host_file() && (*image)->is_of(search.bytes.identity())) {
    return *std::move(image);
  }
  if (!search.module_hash() || *search.module_hash() != (*image)->trailer().module_hash) {
    report(fmt::format("{} is not used: it was made from another state of {}; `tenon compile` makes it anew", shown,
                       search.name));
    return nullptr;
  }
  return *std::move(image);
}

std::shared_ptr<Image> ImageStore::find_beside(Search& search) {
  if (search.path.empty() || !search.bytes.is_host_file()) {
    return nullptr;
  }
  const std::string path = search.path + std::string(kImageSuffix);
  if (access(path.c_str(), F_OK) != 0) {
    return nullptr;
  }
  const size_t slash = path.rfind('/');
  const std::string directory_path = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(::open(directory_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) {
    return nullptr;
  }
  if (const std::string reason = why_untrusted(directory.get(), search.guest_can_write); !reason.empty()) {
    report(fmt::format("{} is not used: of its directory, {}", path, reason));
    return nullptr;
  }
  return open(search, directory.get(), slash == std::string::npos ? path : path.substr(slash + 1), path,
              search.guest_can_write);
}

/// Name of an empty file that says that the cache may have images of modules of this size.
std::string ImageStore::size_marker(const Search& search, const std::string& key) {
  return fmt::format("{:x}-{}.size", search.bytes.view().size(), key);
}

// The cache knows an image by the module's hash, and, so that the hash need not be taken, by the module's file: the
// second name is a hard link.
std::shared_ptr<Image> ImageStore::find_cached(Search& search) {
  const int directory = cache();
  if (directory < 0) {
    return nullptr;
  }
  if (search.guest_can_write && search.guest_can_write(directory)) {
    report(fmt::format("the cache directory {} is not used: the program can write it", options_.cache_directory));
    return nullptr;
  }
  const std::string key = options_key(search.code);
  const auto shown = [&](const std::string& file) { return options_.cache_directory + "/" + file; };
  std::string by_file;
  if (search.bytes.is_host_file()) {
    const base::FileIdentity& file = search.bytes.identity();
    by_file = fmt::format("{:x}-{:x}-{:x}-{:x}-{}.file", file.device, file.inode, file.size, file.modified_ns, key);
    const Descriptor descriptor(openat(directory, by_file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (descriptor.ok() && why_untrusted(descriptor.get(), {}).empty()) {
      // The name says which file it was made from.
      auto image = Image::map(descriptor.get(), shown(by_file), search.name, search.code);
      if (image) {
        return *std::move(image);
      }
      report(fmt::format("{}; it is not used", image.error().message));
      unlinkat(directory, by_file.c_str(), 0);
    }
  }
  // A module whose image cannot be there is not hashed: that takes longer than starting most programs.
  if (faccessat(directory, size_marker(search, key).c_str(), F_OK, 0) != 0 || !search.module_hash()) {
    return nullptr;
  }
  const std::string by_hash = hexadecimal(*search.module_hash()) + "-" + key + std::string(kImageSuffix);
  // That the program cannot write the directory is enough: a file with two names could be anywhere for what it knows.
  auto image = open(search, directory, by_hash, shown(by_hash), {});
  if (image != nullptr && !by_file.empty()) {
    (void)linkat(directory, by_hash.c_str(), directory, by_file.c_str(), 0);  // only saves time: it may fail
  }
  return image;
}

std::shared_ptr<Image> ImageStore::compile(Search& search, bool wait) {
  if (options_.compiler.empty()) {
    report(fmt::format("{} is interpreted: there is no compiler (tenon-compile) beside tenon", search.name));
    return nullptr;
  }
  const int directory = cache();
  if (directory < 0) {
    if (options_.cache_directory.empty()) {
      report(fmt::format("{} is interpreted: there is no cache directory to compile it into; set TENON_CACHE_DIR",
                         search.name));
    }
    return nullptr;
  }
  if (search.path.empty() || !search.bytes.is_host_file() || !search.module_hash()) {
    report(fmt::format("{} is interpreted: it has no file of the host's that could be compiled", search.name));
    return nullptr;
  }
  const std::string output = options_.cache_directory + "/" + hexadecimal(*search.module_hash()) + "-" +
                             options_key(search.code) + std::string(kImageSuffix);
  if (const Descriptor marker(openat(directory, size_marker(search, options_key(search.code)).c_str(),
                                     O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
      !marker.ok()) {
    report(fmt::format("{} is interpreted: the cache directory {} cannot be written: {}", search.name,
                       options_.cache_directory, strerror(errno)));
    return nullptr;
  }
  // The compiler may have been built for another processor than this runtime.
  std::vector<std::string> words = {options_.compiler, fmt::format("--target={}", abi::kHostTarget)};
  for (std::string& argument : arguments(search.code)) {
    words.push_back(std::move(argument));
  }
  if (!wait) {
    words.emplace_back("--background");
  }
  words.insert(words.end(), {"-o", output, search.path});
  // In the background, the child goes on in a process of its own and ends at once.
  const auto code = run_compiler(std::move(words));
  if (!code) {
    report(fmt::format("{} is interpreted: {}", search.name, code.error().message));
    return nullptr;
  }
  if (!wait) {
    return nullptr;
  }
  if (*code != 0) {
    report(fmt::format("{} is interpreted: it could not be compiled", search.name));
    return nullptr;
  }
  return find_cached(search);
}

bool ImageStore::is_interpreted(bool is_main) const {
  return options_.mode == Mode::interpret || (is_main ? options_.interpret_main : options_.interpret_libraries);
}

std::shared_ptr<Image> ImageStore::find(const Wanted& wanted) {
  if (is_interpreted(wanted.is_main)) {
    return nullptr;
  }
  Search search{wanted, std::nullopt};
  if (auto image = find_beside(search)) {
    return image;
  }
  return find_cached(search);
}

std::shared_ptr<Image> ImageStore::make(const Wanted& wanted) {
  if (is_interpreted(wanted.is_main)) {
    return nullptr;
  }
  Search search{wanted, std::nullopt};
  if (options_.mode == Mode::compiled || options_.compile == Compile::now) {
    return compile(search, true);
  }
  return options_.compile == Compile::in_background ? compile(search, false) : nullptr;
}

std::string compiler_beside() {
  constexpr size_t kLongest = 4096;
  std::string self(kLongest, '\0');
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0 || static_cast<size_t>(length) == self.size()) {
    return {};
  }
  self.resize(static_cast<size_t>(length));
  std::string compiler = self.substr(0, self.rfind('/') + 1) + "tenon-compile";
  return access(compiler.c_str(), X_OK) == 0 ? compiler : "";
}

}  // namespace tenon::aot
