#include "cli/search_options.h"

#include <cstdlib>

#include "cli/values.h"

namespace tenon::cli {

namespace {

void append_split(std::vector<std::string>& list, const char* text, std::string_view separators) {
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const size_t end = rest.find_first_of(separators);
    if (end != 0) {
      list.emplace_back(rest.substr(0, end));
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

Result<> append_named(std::vector<std::string>& list, std::string_view value, const char* option, const char* what) {
  if (value.empty()) {
    return fail(ErrorKind::usage, "{} takes {}, not an empty word", option, what);
  }
  list.emplace_back(value);
  return {};
}

std::function<Result<>(std::string_view)> set_size(uint64_t& target, const char* option) {
  return [&target, option](std::string_view value) -> Result<> {
    target = TENON_TRY(parse_size(option, value));
    return {};
  };
}

std::function<Result<>(std::string_view)> set_file(std::string& target, const char* option) {
  return [&target, option](std::string_view value) -> Result<> {
    if (value.empty()) {
      return fail(ErrorKind::usage, "{} takes the name of a file, not an empty word", option);
    }
    target = value;
    return {};
  };
}

}  // namespace

std::vector<Option> search_options(link::ProgramOptions& options) {
  return {
      {'L', "library-path", "DIR",
       "look for libraries in DIR; may be given several times\n(then in TENON_LIBRARY_PATH, separated by colons)",
       [&options](std::string_view value) {
         return append_named(options.library_path, value, "--library-path", "a directory");
       }},
      {0, "preload", "LIB",
       "load LIB before all others, so that its symbols win;\na bare name or a path; may be given several times\n"
       "(then those of TENON_PRELOAD, separated by colons)",
       [&options](std::string_view value) {
         return append_named(options.preload, value, "--preload", "a library's name or path");
       }},
      {0, "trust-runpath", "",
       "let runtime paths and names in modules lead anywhere,\nnot only below the main module's and -L directories",
       set_flag(options.trust_runtime_path)},
  };
}

std::vector<Option> size_options(link::ProgramOptions& options) {
  return {
      {0, "max-memory", "BYTES", "the most that each linear memory may grow to, such as 64M (4G)",
       set_size(options.maximum_memory, "--max-memory")},
      {0, "stack-size", "BYTES", "of the program's stack, when it leaves it to the linker (1M)",
       set_size(options.stack_size, "--stack-size")},
      {0, "reserve", "BYTES", "leave so much room before the heap for libraries that come later (0)",
       set_size(options.reserve, "--reserve")},
      {0, "place", "WHERE",
       "put the data of libraries that come later there: reserve, heap,\nstack, grow, or the first of these that can "
       "(auto)",
       [&options](std::string_view value) -> Result<> {
         using link::Place;
         for (const Place place : {Place::automatic, Place::reserve, Place::heap, Place::stack, Place::grow}) {
           if (value == link::to_string(place)) {
             options.place = place;
             return {};
           }
         }
         return fail(ErrorKind::usage, "--place takes auto, reserve, heap, stack or grow, not `{}`", value);
       }},
  };
}

Option trace_option(std::string& file) {
  return {0, "trace", "FILE", "what the program opened when it ran: written by `tenon run --trace`",
          set_file(file, "--trace")};
}

Option output_option(std::string& file, std::string_view help) {
  return {'o', "output", "FILE", help, set_file(file, "--output")};
}

void add_search_environment(link::ProgramOptions& options) {
  append_split(options.library_path, std::getenv("TENON_LIBRARY_PATH"), ":");
  append_split(options.preload, std::getenv("TENON_PRELOAD"), ": ");
}

}  // namespace tenon::cli
