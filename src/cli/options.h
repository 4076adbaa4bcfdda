// Options of the command line, as a table that parsing and --help read.
//
// Not CLI11: it costs a sixth of what a trivial native program takes to start, and 400 KiB of memory.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace tenon::cli {

struct Option {
  char letter;                ///< of its short form; 0 for none
  std::string_view name;      ///< without the dashes
  std::string_view argument;  ///< what --help calls its value; empty for a flag
  std::string_view help;      ///< one or more lines
  /// Takes the value (empty for a flag). Errors: usage; the message says what is accepted.
  std::function<Result<>(std::string_view value)> take;
};

/// A flag that sets `target`.
[[nodiscard]] std::function<Result<>(std::string_view)> set_flag(bool& target);

/// Where options may stand.
enum class Placing : uint8_t {
  before_operands,  ///< the first operand ends them: what follows belongs to the guest
  anywhere,
};

struct ParsedWords {
  std::vector<std::string> operands;
  bool wants_help = false;
};

/// Reads `words` (`--name value`, `--name=value`, `-x value`, `-xvalue`, `--` to end options) and calls what the
/// options found take. `--help` is known without a row. Errors: usage, with a sentence that says what is accepted.
[[nodiscard]] Result<ParsedWords> parse_options(std::span<const Option> options, Words words, Placing placing);

/// `usage`, then a line or more for each option.
[[nodiscard]] std::string help_text(std::string_view usage, std::span<const Option> options);

}  // namespace tenon::cli
