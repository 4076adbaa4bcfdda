// Making a guest process from what the host gives it, and what the host's other rooms ask of its file system.
#include "wasi/wasi.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "wasi/descriptors.h"
#include "wasi/filestat.h"
#include "wasi/process.h"

namespace tenon::wasi {

namespace {

constexpr Fd kFirstPreopen = 3;

// The first of the arguments or variables `text` that cannot be one, for people.
Result<> add_string(StringList& list, std::string_view text, const char* what) {
  if (text.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::usage, "cannot give the guest the {} `{}`: there is a zero byte in it", what,
                text.substr(0, text.find('\0')));
  }
  // A guest has to find room for all of them in 4 GiB.
  if (list.bytes.size() + text.size() + 1 > UINT32_MAX / 2) {
    return fail(ErrorKind::limit, "cannot give the guest more than 2 GiB of {}s", what);
  }
  list.offsets.push_back(static_cast<uint32_t>(list.bytes.size()));
  list.bytes += text;
  list.bytes += '\0';
  return {};
}

Result<> add_streams(Process& process, const Options& options) {
  const std::array streams = {options.stdin_fd, options.stdout_fd, options.stderr_fd};
  for (Fd fd = 0; fd < streams.size(); ++fd) {
    auto stream = streams[fd] < 0 ? refuse(Errno::badf) : describe_stream(streams[fd]);
    struct stat status{};
    if (!stream || fstat(streams[fd], &status) != 0) {
      continue;  // closed in the host, closed in the guest
    }
    if (S_ISREG(status.st_mode) && (*stream)->require(rights::fd_write)) {
      process.writable_files.push_back({status.st_dev, status.st_ino});
    }
    if (!process.descriptors.insert_at(fd, std::move(*stream))) {
      return fail(ErrorKind::usage, "a limit of {} descriptors leaves no room for the standard streams",
                  process.limits.descriptors);
    }
  }
  return {};
}

Result<> add_preopen(Process& process, Preopen preopen, Fd fd) {
  const auto is_same = [&](const DescriptorReference& other) { return other->preopen_name == preopen.guest; };
  if (preopen.guest.empty() || preopen.guest.find('\0') != std::string::npos ||
      std::ranges::any_of(process.preopens, is_same)) {
    return fail(ErrorKind::usage, "cannot preopen the directory {} as `{}` for the guest: {}", preopen.host,
                preopen.guest,
                preopen.guest.empty() ? "the name is empty" : "the name has a zero byte in it, or is given twice");
  }
  Handle handle(open(preopen.host.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!handle || fstat(handle.get(), &status) != 0) {
    const ErrorKind kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::io;
    return fail(kind, "cannot preopen the directory {} as `{}` for the guest: {}", preopen.host, preopen.guest,
                strerror(errno));
  }
  auto directory = describe(std::move(handle), directory_inheriting_rights(), directory_inheriting_rights(), 0);
  if (!directory) {
    return fail(ErrorKind::io, "cannot preopen the directory {} as `{}` for the guest", preopen.host, preopen.guest);
  }
  (*directory)->is_preopen = true;
  (*directory)->preopen_name = std::move(preopen.guest);
  (*directory)->is_read_only = preopen.read_only;
  if (!preopen.read_only) {
    process.writable_roots.push_back({status.st_dev, status.st_ino});
  }
  process.preopens.push_back(*directory);
  if (!process.descriptors.insert_at(fd, std::move(*directory))) {
    return fail(ErrorKind::usage, "a limit of {} descriptors leaves no room for the preopened directory {}",
                process.limits.descriptors, preopen.host);
  }
  return {};
}

Result<> add_socket(Process& process, const Socket& socket, Fd fd) {
  Handle handle(fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0));
  if (!handle) {
    return fail(ErrorKind::io, "cannot hand descriptor {} to the guest as a socket: {}", socket.descriptor,
                strerror(errno));
  }
  const int mode = fcntl(handle.get(), F_GETFL);
  auto descriptor = describe(std::move(handle), ~Rights{0}, ~Rights{0}, mode < 0 ? 0 : fdflags_from_host(mode));
  if (!descriptor || !(*descriptor)->is_socket()) {
    return fail(ErrorKind::io, "cannot hand descriptor {} to the guest as a socket: it is none", socket.descriptor);
  }
  if (!process.descriptors.insert_at(fd, std::move(*descriptor))) {
    return fail(ErrorKind::usage, "a limit of {} descriptors leaves no room for the socket {}",
                process.limits.descriptors, socket.descriptor);
  }
  return {};
}

// A path as a name of a preopen counts: without what stands for the root. The same as in wasi-libc, so that the linker
// and the guest's libc find the same files.
std::string_view strip_root(std::string_view path) {
  while (true) {
    if (path.starts_with('/')) {
      path.remove_prefix(1);
    } else if (path.starts_with("./")) {
      path.remove_prefix(2);
    } else if (path == ".") {
      path.remove_prefix(1);
    } else {
      return path;
    }
  }
}

// What is left of `path` below `directory`, both stripped; none when it does not lie there.
std::optional<std::string_view> relative_to(std::string_view path, std::string_view directory) {
  while (directory.ends_with('/')) {
    directory.remove_suffix(1);
  }
  if (!path.starts_with(directory)) {
    return std::nullopt;
  }
  path.remove_prefix(directory.size());
  if (!directory.empty() && !path.empty() && !path.starts_with('/')) {
    return std::nullopt;
  }
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  return path.empty() ? "." : path;
}

std::string reason(Errno error) {
  switch (error) {
    case Errno::noent:
      return "no such file";
    case Errno::notdir:
      return "a part of the path is not a directory";
    case Errno::notcapable:
      return "the path, or a symbolic link in it, leads out of the preopened directory";
    case Errno::loop:
      return "too many symbolic links";
    case Errno::acces:
    case Errno::perm:
      return "permission denied";
    case Errno::nametoolong:
      return "the path is too long";
    default:
      return fmt::format("WASI error {}", static_cast<uint16_t>(error));
  }
}

}  // namespace

Wasi::Wasi(std::unique_ptr<Process> process) : process_(std::move(process)) {}
Wasi::~Wasi() = default;

void* Wasi::environment() const {
  return process_.get();
}

Result<std::unique_ptr<Wasi>> Wasi::create(Options options) {
  auto process = std::make_unique<Process>(options.limits);
  for (const std::string& argument : options.arguments) {
    TENON_CHECK(add_string(process->arguments, argument, "argument"));
  }
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != std::string::npos) {
      return fail(ErrorKind::usage, "`{}` cannot be the name of an environment variable", name);
    }
    TENON_CHECK(add_string(process->environment, fmt::format("{}={}", name, value), "environment variable"));
  }
  if (!options.preopens.empty()) {  // else nothing is ever resolved
    process->resolver = Resolver::detect(options.use_openat2);
  }
  rlimit file_size{};
  process->has_file_size_limit = getrlimit(RLIMIT_FSIZE, &file_size) != 0 || file_size.rlim_cur != RLIM_INFINITY;

  TENON_CHECK(add_streams(*process, options));
  Fd fd = kFirstPreopen;
  for (Preopen& preopen : options.preopens) {
    TENON_CHECK(add_preopen(*process, std::move(preopen), fd++));
  }
  for (const Socket& socket : options.sockets) {
    TENON_CHECK(add_socket(*process, socket, fd++));
  }
  return std::unique_ptr<Wasi>(new Wasi(std::move(process)));
}

bool Wasi::guest_can_write(int descriptor) const {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    return true;
  }
  const auto contains = [&](const std::vector<FileId>& files) {
    return std::ranges::find(files, FileId{status.st_dev, status.st_ino}) != files.end();
  };
  if (!S_ISDIR(status.st_mode)) {
    const auto is_on_same = [&](const FileId& root) { return root.device == status.st_dev; };
    return contains(process_->writable_files) ||
           (status.st_nlink > 1 && std::ranges::any_of(process_->writable_roots, is_on_same));
  }
  if (process_->writable_roots.empty()) {
    return false;
  }
  // sandbox: by identity and upwards from what is open, so that no name and no link can hide where it is.
  Handle here = Handle::borrow(descriptor);
  while (!contains(process_->writable_roots)) {
    const FileId child{status.st_dev, status.st_ino};
    here = Handle(openat(here.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!here || fstat(here.get(), &status) != 0) {
      return true;
    }
    if (child == FileId{status.st_dev, status.st_ino}) {
      return false;  // the root is its own parent
    }
  }
  return true;
}

bool Wasi::guest_can_write_files() const {
  return !process_->writable_files.empty() || !process_->writable_roots.empty();
}

Result<int> Wasi::open_for_linker(std::string_view guest_path) const {
  const auto cannot = [&](ErrorKind kind, std::string_view why) {
    return fail(kind, "cannot open {} in the guest's file system: {}", guest_path, why);
  };
  const std::string_view path = strip_root(guest_path);
  if (guest_path.empty() || guest_path.find('\0') != std::string_view::npos || path.size() >= PATH_MAX) {
    return cannot(ErrorKind::not_found, "it is not a path");
  }
  const Descriptor* directory = nullptr;
  std::string_view relative;
  size_t longest = 0;
  for (const DescriptorReference& preopen : process_->preopens) {
    const std::string_view name = strip_root(preopen->preopen_name);
    const auto rest = relative_to(path, name);
    if (rest && (directory == nullptr || name.size() >= longest)) {  // of two equals the later one
      directory = preopen.get();
      relative = *rest;
      longest = name.size();
    }
  }
  if (directory == nullptr) {
    std::string names;
    for (const DescriptorReference& preopen : process_->preopens) {
      names += (names.empty() ? "" : ", ") + preopen->preopen_name;
    }
    return cannot(ErrorKind::not_found, fmt::format("it is in none of the preopened directories ({})",
                                                    names.empty() ? "there are none" : names));
  }
  // O_NONBLOCK: a FIFO in a library's place does not make the linker wait.
  auto handle =
      process_->resolver.open(directory->host(), std::string(relative), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, true);
  if (!handle) {
    const bool is_missing = handle.error() == Errno::noent || handle.error() == Errno::notdir;
    return cannot(is_missing ? ErrorKind::not_found : ErrorKind::io, reason(handle.error()));
  }
  struct stat status{};
  if (fstat(handle->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return cannot(ErrorKind::io, "it is not a regular file");
  }
  return handle->release();
}

}  // namespace tenon::wasi
