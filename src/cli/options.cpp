#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::cli {

namespace {

constexpr size_t kHelpColumn = 28;

std::string spelled(const Option& option) {
  return fmt::format("--{}", option.name);
}

/// One option as it was found among the words.
struct Given {
  const Option* option = nullptr;
  std::string_view value;
  bool has_value = false;  ///< in the same word
};

Result<Given> find_option(std::span<const Option> options, std::string_view word) {
  Given given;
  if (word.starts_with("--")) {
    std::string_view name = word.substr(2);
    if (const size_t equals = name.find('='); equals != std::string_view::npos) {
      given.value = name.substr(equals + 1);
      given.has_value = true;
      name = name.substr(0, equals);
    }
    const auto found = std::ranges::find(options, name, &Option::name);
    given.option = found == options.end() ? nullptr : &*found;
  } else {
    const auto found = std::ranges::find(options, word[1], &Option::letter);
    given.option = found == options.end() ? nullptr : &*found;
    given.value = word.substr(2);
    given.has_value = !given.value.empty();
  }
  if (given.option == nullptr) {
    return fail(ErrorKind::usage, "there is no option {}; --help lists those that exist",
                word.substr(0, word.find('=')));
  }
  if (given.has_value && given.option->argument.empty()) {
    return fail(ErrorKind::usage, "{} takes no value", spelled(*given.option));
  }
  return given;
}

}  // namespace

std::function<Result<>(std::string_view)> set_flag(bool& target) {
  return [&target](std::string_view) -> Result<> {
    target = true;
    return {};
  };
}

Result<ParsedWords> parse_options(std::span<const Option> options, Words words, Placing placing) {
  ParsedWords parsed;
  bool options_ended = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (options_ended || word.size() < 2 || word[0] != '-') {
      parsed.operands.emplace_back(word);
      options_ended |= placing == Placing::before_operands;
      continue;
    }
    if (word == "--") {
      options_ended = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      parsed.wants_help = true;
      return parsed;
    }
    Given given = TENON_TRY(find_option(options, word));
    if (!given.option->argument.empty() && !given.has_value) {
      if (++i == words.size()) {
        return fail(ErrorKind::usage, "{} needs a value: {}", spelled(*given.option), given.option->argument);
      }
      given.value = words[i];
    }
    TENON_CHECK(given.option->take(given.value));
  }
  return parsed;
}

std::string help_text(std::string_view usage, std::span<const Option> options) {
  std::string text(usage);
  text += "\nOptions:\n";
  const auto append = [&text](std::string_view spelling, std::string_view help) {
    std::string left = fmt::format("  {}", spelling);
    while (!help.empty()) {
      const std::string_view line = help.substr(0, help.find('\n'));
      help.remove_prefix(std::min(line.size() + 1, help.size()));
      if (left.size() >= kHelpColumn) {
        text += left + "\n";
        left.clear();
      }
      text += fmt::format("{:<{}}{}\n", left, kHelpColumn, line);
      left.clear();
    }
  };
  for (const Option& option : options) {
    std::string spelling = option.letter == 0 ? "    " : fmt::format("-{}, ", option.letter);
    spelling += spelled(option);
    if (!option.argument.empty()) {
      spelling += fmt::format(" {}", option.argument);
    }
    append(spelling, option.help);
  }
  append("-h, --help", "print this");
  return text;
}

}  // namespace tenon::cli
