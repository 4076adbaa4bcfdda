#include "link/search.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace tenon::link {

namespace {

constexpr size_t kMaximumRuntimePaths = 64;
constexpr size_t kMaximumNameLength = 4096;

constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// Without `.`, `..` and double slashes, by the text alone.
std::string normal(const std::string& path) {
  if (!path.contains("//") && !path.contains("/.") && !path.ends_with('/')) {
    return path;
  }
  std::string result = std::filesystem::path(path).lexically_normal().string();
  while (result.size() > 1 && result.ends_with('/')) {
    result.pop_back();
  }
  return result;
}

std::string join(const std::string& directory, const std::string& name) {
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path.append(directory).append("/").append(name);
  return path;
}

std::string working_directory() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? "/" : path.string();
}

std::string absolute(const std::string& path) {
  return path.starts_with('/') ? path : join(working_directory(), path);
}

std::string real_path(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  if (real == nullptr) {
    return {};
  }
  std::string result(real);
  std::free(real);
  return result;
}

/// Where an open file is, without symbolic links; empty when that is nowhere.
std::string path_of(int descriptor) {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = readlink(fmt::format("/proc/self/fd/{}", descriptor).c_str(), path.data(), path.size());
  path.resize(length <= 0 || static_cast<size_t>(length) == path.size() ? 0 : static_cast<size_t>(length));
  return path;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

/// `path` relative to the directory `root` above it; nothing when it is not above it.
std::optional<std::string> relative_to(const std::string& path, const std::string& root) {
  if (root.empty() || !path.starts_with(root)) {
    return std::nullopt;
  }
  if (path.size() == root.size()) {
    return ".";
  }
  if (root == "/") {
    return path.substr(1);
  }
  if (path[root.size()] != '/') {
    return std::nullopt;
  }
  return path.substr(root.size() + 1);
}

bool is_absent(int error) {
  return error == ENOENT || error == ENOTDIR;
}

std::string why_not(int error) {
  switch (error) {
    case EXDEV:
      return "refused: it leads out of the directories that libraries may come from";
    case ELOOP:
      return "refused: too many symbolic links";
    case ENXIO:
      return "it is not a regular file";
    default:
      return strerror(error);
  }
}

}  // namespace

/// What was tried for one name, for the error that lists it all.
struct Search::Attempts {
  std::vector<std::string> paths;
  std::vector<std::string> lines;
  std::vector<FoundThrough> places;  ///< the kinds of place looked in, each once
  bool refused = false;              ///< something was there, but could not be used
  bool told_to_guest = false;

  /// Whether `path` is new: directories may be listed twice.
  bool start(const std::string& path) {
    if (std::ranges::find(paths, path) != paths.end()) {
      return false;
    }
    paths.push_back(path);
    return true;
  }

  void look_in(FoundThrough place) {
    if (std::ranges::find(places, place) == places.end()) {
      places.push_back(place);
    }
  }

  [[nodiscard]] std::string text() const {
    if (told_to_guest && !lines.empty()) {
      std::string text = "; looked in";
      for (size_t i = 0; i < places.size(); ++i) {
        text += fmt::format("{} the {}", i == 0 ? "" : ",", to_string(places[i]));
      }
      return text;
    }
    std::string text = lines.empty() ? ": there is no directory to look for it in" : "; looked for ";
    for (size_t i = 0; i < lines.size(); ++i) {
      text += (i == 0 ? "" : ", ") + lines[i];
    }
    return text;
  }

  /// Nothing was there.
  void absent(const std::string& path, const char* note = "") { lines.push_back(printable(path) + note); }
  /// Something was there, but could not be used.
  void refuse(const std::string& path, const std::string& reason) {
    lines.push_back(fmt::format("{} ({})", printable(path), printable(reason)));
    refused = true;
  }
};

std::string Search::Request::asked_by() const {
  return requester == nullptr ? user : requester->name;
}

std::vector<std::string> expand_runtime_path(std::string_view entry, const std::string& origin,
                                             const std::string& working_directory) {
  std::vector<std::string> directories;
  while (!entry.empty()) {
    std::string_view part = entry.substr(0, entry.find(':'));
    entry.remove_prefix(std::min(part.size() + 1, entry.size()));
    std::string directory;
    bool usable = !part.empty();
    while (!part.empty() && usable && directory.size() <= kMaximumNameLength) {
      const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
      constexpr std::string_view kPlain = "$ORIGIN";
      constexpr std::string_view kBraced = "${ORIGIN}";
      size_t length = 0;
      if (part.starts_with(kBraced)) {
        length = kBraced.size();
      } else if (part.starts_with(kPlain) && (part.size() == kPlain.size() || !is_word(part[kPlain.size()]))) {
        length = kPlain.size();
      }
      if (length == 0) {
        directory += part.front();
        part.remove_prefix(1);
      } else {
        directory += origin;
        part.remove_prefix(length);
        usable = !origin.empty();
      }
    }
    if (usable && directory.size() <= kMaximumNameLength) {
      directories.push_back(directory.starts_with('/') ? directory : join(working_directory, directory));
    }
  }
  return directories;
}

Search::Search(const ProgramOptions& options, Report& report) : options_(options), report_(report) {}

Search::Root Search::open_root(const std::string& path, FoundThrough through) {
  Root root;
  root.through = through;
  root.alias = normal(absolute(path));
  root.path = real_path(path);
  if (root.path.empty()) {
    root.path = root.alias;
  }
  root.directory = Descriptor(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return root;
}

void Search::open_roots() {
  if (roots_are_open_) {
    return;
  }
  roots_are_open_ = true;
  for (const std::string& directory : options_.library_path) {
    if (!directory.empty()) {
      roots_.push_back(open_root(directory, FoundThrough::library_path));
    }
  }
  set_main_directory(main_directory_);
}

void Search::set_main_directory(const std::string& directory) {
  main_directory_ = directory;
  std::erase_if(roots_, [](const Root& root) { return root.through == FoundThrough::main_directory; });
  if (!directory.empty() && roots_are_open_) {
    roots_.push_back(open_root(directory, FoundThrough::main_directory));
  }
}

Result<Found> Search::find_main(const std::string& path) {
  ++report_.statistics.files_tried;
  Found found;
  const Descriptor file(open(path.c_str(), kOpenFlags));
  if (!file.is_open()) {
    return fail(is_absent(errno) ? ErrorKind::not_found : ErrorKind::io, "cannot open {}: {}", path, strerror(errno));
  }
  found.bytes = TENON_TRY(take_bytes(file.get(), path));
  found.path = real_path(path);
  if (found.path.empty()) {
    found.path = normal(absolute(path));
  }
  found.directory = directory_of(found.path);
  found.through = FoundThrough::main;
  set_main_directory(found.directory);
  return found;
}

Result<Found> Search::find_preload(const std::string& name) {
  return find(name, {.user = "--preload", .trusted = true});
}

Result<Found> Search::find_opened(const std::string& name, const Dso* requester) {
  if (requester == nullptr) {
    return find(name, {.user = "the host program", .is_opened = true, .trusted = true});
  }
  return find(name, {.requester = requester,
                     .is_opened = true,
                     .trusted = options_.trust_runtime_path,
                     .path_is_guest_s = true,
                     .told_to_guest = true});
}

Result<Found> Search::find_needed(const std::string& name, const Dso& requester, bool told_to_guest) {
  return find(name, {.requester = &requester,
                     .trusted = options_.trust_runtime_path,
                     .path_is_guest_s = requester.origin == Origin::guest_file,
                     .told_to_guest = told_to_guest});
}

Result<bool> Search::find_in_embedder(const std::string& name, const Request& request, Found& found) {
  if (const auto known = options_.registered_modules.find(name); known != options_.registered_modules.end()) {
    found.module = known->second;
    found.origin = Origin::embedder;
    found.through = FoundThrough::registered;
    return true;
  }
  if (options_.module_reader) {
    auto bytes = TENON_TRY(options_.module_reader(name, request.asked_by()));
    if (bytes) {
      found.bytes = *std::move(bytes);
      found.origin = Origin::embedder;
      found.through = FoundThrough::module_reader;
      return true;
    }
  }
  return false;
}

// The search itself, in the order of the design.
Result<Found> Search::find(const std::string& name, const Request& request) {
  const Dso* const requester = request.requester;
  if (name.empty() || name.size() > kMaximumNameLength || name.contains('\0')) {
    return fail(ErrorKind::malformed, "{} asks for a library whose name is {}", request.asked_by(),
                name.empty()                       ? "empty"
                : name.size() > kMaximumNameLength ? fmt::format("{} bytes long, more than the {} of any path: {}",
                                                                 name.size(), kMaximumNameLength, printable(name))
                                                   : "no file's: it has a zero byte in it");
  }
  report_.line(kDebugLibs, "find library={} [needed by {}]; searching", Printable{name}, request.asked_by());
  open_roots();
  Found found;
  Attempts attempts;
  attempts.told_to_guest = request.told_to_guest;
  const bool is_path = name.contains('/');
  if (!is_path && TENON_TRY(find_in_embedder(name, request, found))) {
    report_.line(kDebugLibs, "  found through {}", to_string(found.through));
    return found;
  }
  const bool named_by_user = requester == nullptr;
  if (is_path && request.path_is_guest_s) {
    if (open_guest_candidate(name, FoundThrough::path, attempts, found)) {
      return found;
    }
    return fail(attempts.refused ? ErrorKind::io : ErrorKind::not_found, "cannot open library {}, asked for by {}: {}",
                printable(name), requester->name, attempts.lines.back());
  }
  if (name.starts_with('/') || (is_path && named_by_user)) {
    if (open_candidate(request.trusted ? absolute(name) : normal(name), FoundThrough::path, request.trusted, attempts,
                       found)) {
      return found;
    }
  } else if (TENON_TRY(find_in_runtime_path(name, request, attempts, found)) ||
             find_in_roots(name, request.trusted, attempts, found)) {
    return found;
  }
  return fail(attempts.refused ? ErrorKind::io : ErrorKind::not_found, "cannot find library {}, {} {}{}{}",
              printable(name), request.is_opened ? "asked for by" : "needed by", request.asked_by(), attempts.text(),
              request.is_opened ? "" : ". Give its directory with -L");
}

// A path of the guest's goes through the guest's own preopens, which say what it may read.
bool Search::open_guest_candidate(const std::string& path, FoundThrough through, Attempts& attempts, Found& found) {
  if (!attempts.start(path)) {
    return false;
  }
  attempts.look_in(through);
  ++report_.statistics.files_tried;
  report_.line(kDebugLibs, "  trying file={} of the guest's", Printable{path});
  if (!options_.open_guest_file) {
    attempts.absent(path, " (the program has no files: give it a directory with --dir)");
    return false;
  }
  auto opened = options_.open_guest_file(path);
  if (!opened) {
    if (opened.error().kind == ErrorKind::not_found) {
      attempts.absent(path, " (no such file in the program's directories)");
    } else {
      attempts.refuse(path, opened.error().message);
    }
    return false;
  }
  const Descriptor file(*opened);
  auto bytes = take_bytes(file.get(), path);
  if (!bytes) {
    attempts.refuse(path, bytes.error().message);
    return false;
  }
  found.bytes = *std::move(bytes);
  found.path = normal(path);
  found.directory = path.contains('/') ? directory_of(found.path) : "";
  found.origin = Origin::guest_file;
  found.through = through;
  return true;
}

Result<bool> Search::find_in_runtime_path(const std::string& name, const Request& request, Attempts& attempts,
                                          Found& found) {
  const Dso* const requester = request.requester;
  if (requester == nullptr || !requester->module().dylink) {
    return false;
  }
  size_t searched = 0;
  for (const std::string_view entry : requester->module().dylink->runtime_path) {
    if (entry.contains('\0')) {
      continue;
    }
    report_.line(kDebugLibs, " search path={} (runtime path of {})", Printable{entry}, requester->name);
    const bool is_guest_s = requester->origin == Origin::guest_file;
    const std::string relative_to = is_guest_s ? "." : working_directory();
    for (const std::string& directory : expand_runtime_path(entry, requester->directory, relative_to)) {
      if (++searched > kMaximumRuntimePaths) {
        return fail(ErrorKind::limit, "the runtime path of {} has more than {} directories", requester->name,
                    kMaximumRuntimePaths);
      }
      if (is_guest_s ? open_guest_candidate(join(directory, name), FoundThrough::runtime_path, attempts, found)
                     : open_candidate(normal(join(directory, name)), FoundThrough::runtime_path, request.trusted,
                                      attempts, found)) {
        return true;
      }
    }
  }
  return false;
}

bool Search::find_in_roots(const std::string& name, bool trusted, Attempts& attempts, Found& found) {
  for (const Root& root : roots_) {
    report_.line(kDebugLibs, " search path={} ({})", root.path, to_string(root.through));
    if (!root.directory.is_open()) {
      attempts.look_in(root.through);
      attempts.absent(root.path, " (no such directory)");
    } else if (open_candidate(normal(join(root.path, name)), root.through, trusted, attempts, found)) {
      return true;
    }
  }
  return false;
}

bool Search::open_candidate(const std::string& path, FoundThrough through, bool trusted, Attempts& attempts,
                            Found& found) {
  if (!attempts.start(path)) {
    return false;
  }
  attempts.look_in(through);
  ++report_.statistics.files_tried;
  report_.line(kDebugLibs, "  trying file={}", Printable{path});
  Descriptor file;
  if (trusted) {
    file = Descriptor(open(path.c_str(), kOpenFlags));
    if (!file.is_open()) {
      if (is_absent(errno)) {
        attempts.absent(path);
      } else {
        attempts.refuse(path, why_not(errno));
      }
      return false;
    }
  } else {
    std::string reason;
    file = open_confined(path, reason);
    if (!file.is_open()) {
      if (reason.empty()) {
        attempts.absent(path);
      } else {
        attempts.refuse(path, reason);
      }
      return false;
    }
  }
  auto bytes = take_bytes(file.get(), path);
  if (!bytes) {
    attempts.refuse(path, bytes.error().message);
    return false;
  }
  found.bytes = *std::move(bytes);
  found.path = path;
  found.directory = directory_of(path);
  found.through = through;
  return true;
}

// sandbox: what the guest could write after it was validated is not looked at again, because it is copied.
Result<base::FileBytes> Search::take_bytes(int descriptor, const std::string& path) const {
  if (options_.guest_can_write) {
    const std::string real = path_of(descriptor);
    const Descriptor directory(open(directory_of(real).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (real.empty() || !directory.is_open() || options_.guest_can_write(descriptor) ||
        options_.guest_can_write(directory.get())) {
      return base::FileBytes::read(descriptor, path);
    }
  }
  return base::FileBytes::map(descriptor, path);
}

// sandbox: a name from inside a module is opened relative to the handle of a root and never as a path of the host.
Descriptor Search::open_confined(const std::string& path, std::string& reason) const {
  bool reached = false;
  for (const Root& root : roots_) {
    auto below = relative_to(path, root.path);
    if (!below) {
      below = relative_to(path, root.alias);
    }
    if (!below || !root.directory.is_open()) {
      continue;
    }
    reached = true;
    auto file = open_below(root.directory.get(), *below);
    if (file) {
      return *std::move(file);
    }
    if (!is_absent(file.error())) {
      reason = why_not(file.error());
    }
  }
  if (!reached) {
    reason = "refused: it is outside of the directories that libraries may come from; --trust-runpath allows it";
  }
  return {};
}

}  // namespace tenon::link
