// `tenon verify`: checks images whole, and tells what they are.
#include "abi/cpu.h"
#include "aot/image.h"
#include "aot/store.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

namespace tenon::cli {

namespace {

constexpr std::string_view kUsage =
    "usage: tenon verify IMAGE...\n"
    "Checks images made by `tenon compile` whole, their code too, and tells what they were made for.\n"
    "\n"
    "Ends with 0, or: 1 when one is damaged or cannot be used here, 2 for wrong options.\n";

std::string_view text_of(std::span<const char> characters) {
  const std::string_view all(characters.data(), characters.size());
  return all.substr(0, all.find('\0'));
}

Result<std::string> verify_one(const std::string& file) {
  const base::FileBytes bytes = TENON_TRY(base::FileBytes::map(file));
  const abi::ImageTrailer trailer = TENON_TRY(aot::verify(bytes, file));
  std::string text = fmt::format("{}: whole\n", file);
  text += fmt::format("  of the module     {} ({} bytes, {} functions)\n", base::to_string(trailer.module_hash),
                      trailer.module_size, trailer.function_count);
  text += fmt::format("  made by           {}, -O{}\n", text_of(trailer.compiler), trailer.level);
  text += fmt::format("  for the processor {} ({})\n", text_of(trailer.cpu),
                      trailer.architecture == abi::Architecture::x86_64 ? "x86-64" : "AArch64");
  text +=
      fmt::format("  bounds checks     {}{}\n", trailer.checks == abi::BoundsChecks::guard_pages ? "guard" : "explicit",
                  trailer.check_stack != 0 ? ", --check-stack" : "");
  text += fmt::format("  code              {} bytes\n", trailer.text.size);
  const bool here =
      trailer.architecture == abi::kHostArchitecture && abi::has_all(abi::host_cpu_features(), trailer.cpu_features);
  text += fmt::format("  runs here         {}\n",
                      here ? "yes"
                           : "no: " + (trailer.architecture == abi::kHostArchitecture
                                           ? "this processor lacks " + abi::missing_features(trailer.architecture,
                                                                                             abi::host_cpu_features(),
                                                                                             trailer.cpu_features)
                                           : std::string("another processor")));
  return text;
}

}  // namespace

int verify(Words words) {
  const std::vector<Option> table;
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (parsed->operands.empty()) {
    complain("say which images to verify: tenon verify IMAGE...");
    return kExitUsage;
  }
  int result = kExitSuccess;
  std::string text;
  for (const std::string& file : parsed->operands) {
    auto told = verify_one(file);
    if (told) {
      text += *told;
    } else {
      complain("{}", told.error().message);
      result = kExitFailure;
    }
  }
  return write_output(text) ? result : kExitFailure;
}

}  // namespace tenon::cli
