#include "cli/survey.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "wasi/wasi.h"

namespace tenon::cli {

namespace {

using link::Dependency;
using Events = std::span<const link::LibraryEvent>;

/// Device and inode: one file is one library however it is named. Empty for what has no file.
std::optional<std::pair<dev_t, ino_t>> identity(const std::string& path) {
  struct stat status{};
  if (path.empty() || stat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return std::pair(status.st_dev, status.st_ino);
}

/// The libraries of a survey, by name and by file.
class Libraries {
 public:
  explicit Libraries(std::vector<Dependency>& list) : list_(list) {
    for (size_t i = 0; i < list_.size(); ++i) {
      enter(i);
    }
  }

  [[nodiscard]] std::optional<size_t> find_name(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<size_t> find_file(const std::string& path) const {
    const auto file = identity(path);
    const auto found = file ? by_file_.find(*file) : by_file_.end();
    return found == by_file_.end() ? std::nullopt : std::optional(found->second);
  }
  /// `one` must not have the name of another.
  size_t add(Dependency one) {
    list_.push_back(std::move(one));
    enter(list_.size() - 1);
    return list_.size() - 1;
  }
  /// `name`, or the first of the others that is nobody's: `path`, then numbered names.
  [[nodiscard]] std::string free_name(const std::string& name, const std::string& path) const {
    if (!by_name_.contains(name)) {
      return name;
    }
    std::string other = path.empty() ? name : path;
    for (size_t i = 2; by_name_.contains(other); ++i) {
      other = fmt::format("{} ({})", name, i);
    }
    return other;
  }

 private:
  void enter(size_t index) {
    by_name_.emplace(list_[index].name, index);
    if (const auto file = identity(list_[index].path)) {
      by_file_.emplace(*file, index);
    }
  }

  std::vector<Dependency>& list_;
  std::unordered_map<std::string, size_t> by_name_;
  std::map<std::pair<dev_t, ino_t>, size_t> by_file_;
};

Result<link::Examination> examine_with(link::Engine& engine, const link::ProgramOptions& options,
                                       const std::string& file, std::span<const std::string> opened) {
  link::ProgramOptions more = options;
  more.preload.insert(more.preload.end(), opened.begin(), opened.end());
  return TENON_TRY(program_to_look_at(engine, more))->examine(file, false);
}

/// The files that a program opened, with all they need: examined as if they were preloaded. Those that cannot be loaded
/// are taken out of `paths` and put into `unusable`, with the reason.
Result<link::Examination> examine_opened(link::Engine& engine, const link::ProgramOptions& options,
                                         const std::string& file, std::vector<std::string>& paths,
                                         std::map<std::string, std::string>& unusable) {
  auto all = examine_with(engine, options, file, paths);
  if (all) {
    return all;
  }
  std::erase_if(paths, [&](const std::string& path) {
    const auto alone = examine_with(engine, options, file, std::span(&path, 1));
    if (!alone) {
      unusable.emplace(path, alone.error().message);
    }
    return !alone;
  });
  return examine_with(engine, options, file, paths);
}

/// Adds what `opened` has besides `known`. `names`: what the files that were opened are called, by their paths.
void merge(Libraries& known, std::vector<Dependency>& list, const link::Examination& opened,
           const std::map<std::string, std::string>& names) {
  const size_t first = list.size();
  std::unordered_map<std::string, std::string> renamed;
  for (const Dependency& one : opened.dependencies) {
    const auto same = one.found ? known.find_file(one.path) : known.find_name(one.name);
    if (same) {
      renamed[one.name] = list[*same].name;
      continue;
    }
    Dependency added = one;
    const auto asked = names.find(one.path);
    added.name = known.free_name(asked == names.end() ? one.name : link::printable(asked->second), one.path);
    renamed[one.name] = added.name;
    (void)known.add(std::move(added));
  }
  for (Dependency& one : std::span(list).subspan(first)) {
    for (std::string& needed : one.needed) {
      needed = renamed.contains(needed) ? renamed[needed] : needed;
    }
  }
}

Result<> follow(Survey& result, link::Engine& engine, const link::ProgramOptions& options, const std::string& file,
                Events trace) {
  std::vector<Dependency>& list = result.examination.dependencies;
  Libraries known(list);
  std::vector<std::string> paths;
  std::map<std::string, std::string> names;
  for (const link::LibraryEvent& event : trace) {
    if (event.kind == link::LibraryEvent::Kind::opened && event.path.starts_with('/') &&
        names.emplace(event.path, event.name).second && !known.find_file(event.path)) {
      paths.push_back(event.path);
    }
  }
  std::map<std::string, std::string> unusable;
  if (!paths.empty()) {
    merge(known, list, TENON_TRY(examine_opened(engine, options, file, paths, unusable)), names);
  }

  std::set<std::pair<size_t, size_t>> told;
  for (const link::LibraryEvent& event : trace) {
    const bool failed = event.kind == link::LibraryEvent::Kind::failed;
    if (event.kind != link::LibraryEvent::Kind::opened && !failed) {
      continue;
    }
    auto library = failed ? std::nullopt : known.find_file(event.path);
    if (!library) {
      library = known.find_name(link::printable(event.name));
    }
    if (!library) {
      const auto reason = unusable.find(event.path);
      Dependency absent;
      absent.name = link::printable(event.name);
      absent.reason = reason != unusable.end() ? reason->second
                      : event.message.empty()
                          ? fmt::format("there is no file {} on the host now", link::printable(event.path))
                          : event.message;
      library = known.add(std::move(absent));
    }
    const size_t requester = known.find_name(link::printable(event.requester)).value_or(0);
    if (told.emplace(requester, *library).second) {
      result.openings.push_back({requester, *library});
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<link::Program>> program_to_look_at(link::Engine& engine, const link::ProgramOptions& options) {
  auto program = TENON_TRY(link::Program::create(engine, options));
  TENON_CHECK(program->add_host_module(std::string(wasi::Wasi::kModule), wasi::Wasi::functions(), nullptr));
  TENON_CHECK(
      program->add_host_module(std::string(wasi::Wasi::kUnstableModule), wasi::Wasi::unstable_functions(), nullptr));
  return program;
}

uint64_t file_size(const std::string& path) {
  struct stat status{};
  return !path.empty() && stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool is_complete(const link::Examination& examination) {
  return examination.missing.empty() && std::ranges::all_of(examination.dependencies, &link::Dependency::found);
}

bool has_file(const std::vector<link::Dependency>& dependencies, const link::Dependency& dependency) {
  return std::ranges::any_of(dependencies, [&](const link::Dependency& one) {
    return one.found && one.path == dependency.path && (!one.path.empty() || one.name == dependency.name);
  });
}

Result<Survey> survey(link::Engine& engine, const link::ProgramOptions& options, const std::string& file,
                      bool resolve_symbols, Events trace) {
  const auto program = TENON_TRY(program_to_look_at(engine, options));
  Survey result;
  result.examination = TENON_TRY(program->examine(file, resolve_symbols));
  result.at_start = result.examination.dependencies.size();
  TENON_CHECK(follow(result, engine, options, file, trace));
  return result;
}

}  // namespace tenon::cli
