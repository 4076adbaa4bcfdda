#include "link/report.h"

#include <unistd.h>

#include <cstdio>

namespace tenon::link {

namespace {

constexpr size_t kPrintedName = 300;
constexpr size_t kPrintedSearched = 12;

}  // namespace

const char* to_string(Step step) {
  switch (step) {
    case Step::search:
      return "search";
    case Step::decode:
      return "decode and validate";
    case Step::layout:
      return "layout";
    case Step::resolve:
      return "resolve";
    case Step::instantiate:
      return "instantiate";
    case Step::relocate:
      return "data relocations";
    case Step::publish:
      return "publish";
    case Step::construct:
      return "construct";
  }
  return "";
}

const char* to_string(FoundThrough through) {
  switch (through) {
    case FoundThrough::main:
      return "main module";
    case FoundThrough::registered:
      return "registered module";
    case FoundThrough::module_reader:
      return "module reader";
    case FoundThrough::runtime_path:
      return "runtime path";
    case FoundThrough::library_path:
      return "library path";
    case FoundThrough::main_directory:
      return "main module's directory";
    case FoundThrough::path:
      return "path";
    case FoundThrough::instantiated:
      return "instantiated";
  }
  return "";
}

std::string Statistics::text() const {
  std::string text = "runtime linker statistics:\n";
  const auto count = [&text](const char* what, uint64_t number) {
    text += fmt::format("  {:<38}{:>12}\n", what, number);
  };
  count("libraries loaded", libraries);
  count("  of these decoded now", modules_decoded);
  count("  of these found decoded", modules_shared);
  count("  of these put off", put_off);
  count("    and used since", put_off_used);
  count("libraries opened by dlopen", opened);
  count("libraries unloaded", unloaded);
  count("files looked for", files_tried);
  count("symbols looked up", lookups);
  count("  in so many libraries together", lookups_in_dso);
  count("functions bound at load", bound_at_load);
  count("functions bound lazily", bound_lazily);
  count("GOT cells filled", cells);
  count("libraries with data relocations", data_relocations);
  count("table slots for addresses taken", table_slots);
  count("libraries constructed", constructors);
  count("instances made", instances);
  count("threads spawned", threads);
  const auto microseconds = [](uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; };
  uint64_t total = 0;
  for (size_t i = 0; i < kStepCount; ++i) {
    text += fmt::format("  time: {:<32}{:>9.1f} us\n", to_string(static_cast<Step>(i)), microseconds(nanoseconds[i]));
    total += nanoseconds[i];
  }
  text += fmt::format("  time: {:<32}{:>9.1f} us", "all steps", microseconds(total));
  return text;
}

std::string MissingSymbol::text() const {
  std::string text = fmt::format("{}{} ({}), needed by {}: ", module == "env" ? "" : printable(module) + ".",
                                 printable(symbol), expected, importer);
  if (!found.empty()) {
    return text + fmt::format("found in {} as {}", found_in, found);
  }
  text += "not found";
  if (!searched.empty()) {
    text += " in ";
    for (size_t i = 0; i < searched.size() && i < kPrintedSearched; ++i) {
      text += (i == 0 ? "" : ", ") + searched[i];
    }
    if (searched.size() > kPrintedSearched) {
      text += fmt::format(" and {} more", searched.size() - kPrintedSearched);
    }
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string result;
  const bool cut = text.size() > kPrintedName;
  if (cut) {
    text = text.substr(0, kPrintedName);
    while (!text.empty() && (static_cast<uint8_t>(text.back()) & 0xc0) == 0x80) {
      text.remove_suffix(1);  // not in the middle of a character
    }
    if (!text.empty() && static_cast<uint8_t>(text.back()) >= 0xc0) {
      text.remove_suffix(1);
    }
  }
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return cut ? result + "..." : result;
}

Report::Report(DebugCategories categories, std::function<void(std::string_view)> sink)
    : categories_(categories), sink_(std::move(sink)) {}

void Report::write(const std::string& text) {
  const std::scoped_lock lock(writing_);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string prefixed = fmt::format("{:>10}:\t{}", gettid(), line);
    if (sink_) {
      sink_(prefixed);
    } else {
      std::fputs((prefixed + "\n").c_str(), stderr);
    }
  }
}

}  // namespace tenon::link
