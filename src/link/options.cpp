#include "link/options.h"

#include <array>
#include <utility>

#include "link/report.h"

namespace tenon::link {

namespace {

constexpr std::array<std::pair<std::string_view, DebugCategories>, 8> kCategories = {{
    {"libs", kDebugLibs},
    {"files", kDebugFiles},
    {"symbols", kDebugSymbols},
    {"bindings", kDebugBindings},
    {"reloc", kDebugReloc},
    {"init", kDebugInit},
    {"statistics", kDebugStatistics},
    {"all", kDebugAll},
}};

}  // namespace

const char* to_string(Place place) {
  switch (place) {
    case Place::automatic:
      return "auto";
    case Place::reserve:
      return "reserve";
    case Place::heap:
      return "heap";
    case Place::stack:
      return "stack";
    case Place::grow:
      return "grow";
  }
  return "";
}

Result<DebugCategories> parse_debug_categories(std::string_view list) {
  DebugCategories categories = 0;
  while (!list.empty()) {
    const size_t end = list.find_first_of(",: ");
    const std::string_view word = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    if (word.empty()) {
      continue;
    }
    bool known = false;
    for (const auto& [name, category] : kCategories) {
      if (word == name) {
        categories |= category;
        known = true;
      }
    }
    if (!known) {
      return fail(ErrorKind::usage,
                  "there is no debug category '{}': use libs, files, symbols, bindings, reloc, init, statistics or all",
                  printable(word));
    }
  }
  return categories;
}

}  // namespace tenon::link
