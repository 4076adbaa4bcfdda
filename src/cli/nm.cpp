// `tenon nm`: the symbols that a module defines and those that it wants.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/options.h"
#include "cli/output.h"
#include "link/symbol_table.h"

namespace tenon::cli {

namespace {

using nlohmann::ordered_json;
using wasm::ExternKind;

constexpr std::string_view kUsage =
    "usage: tenon nm [OPTIONS] FILE...\n"
    "Lists what FILE exports and imports, by name: offset, letter, binding, name, type.\n"
    "\n"
    "Letters of what is defined (exported):\n"
    "  T  function; the offset is that of its body in the file      W  the same, weak\n"
    "  D  data; the offset is from __memory_base, or an address     V  the same, weak\n"
    "     when the module is not position-independent; from the start of the thread's block when it is `tls`\n"
    "  G  global     M  memory     E  table     X  tag (exception)\n"
    "and in lower case when the symbol is local. Letters of what is wanted (imported):\n"
    "  U  undefined                                                 w  undefined and weak\n"
    "     GOT.mem.NAME is the address of data, GOT.func.NAME that of a function\n"
    "\n"
    "Bindings: global, weak, local; private is what each module has for itself and no other is bound to; linker is\n"
    "what the linker gives each module.\n"
    "\n"
    "Ends with 0, or: 2 for wrong options, 126 when a file is not a module, 127 when it is not there.\n";

struct NmOptions {
  bool dynamic_only = false;
  bool defined_only = false;
  bool undefined_only = false;
  bool json = false;
};

struct Symbol {
  std::string module;  ///< of an import; empty for what is defined
  std::string name;
  std::string kind;  ///< "function", "data", "global", ...
  std::string type;
  const char* binding = "global";
  char letter = '?';
  bool defined = false;
  std::optional<uint64_t> offset;
  uint32_t flags = 0;  ///< of dylink.0

  [[nodiscard]] bool takes_part_in_lookup() const {
    return std::string_view(binding) != "private" && std::string_view(binding) != "linker";
  }
  [[nodiscard]] std::string full_name() const { return module.empty() ? name : module + "." + name; }
};

constexpr uint8_t kI32Const = 0x41;

/// Data symbols are immutable i32 globals of modules that link.
bool is_data(const wasm::Module& module, const wasm::Export& symbol) {
  return module.dylink && symbol.kind == ExternKind::global && symbol.index >= module.imported_globals &&
         module.globals[symbol.index].type == wasm::GlobalType{wasm::ValueType::i32, false};
}

char letter_of_defined(const wasm::Export& symbol, bool data, uint32_t flags) {
  const bool weak = (flags & wasm::kSymbolBindingWeak) != 0;
  char letter = '?';
  switch (symbol.kind) {
    case ExternKind::function:
      letter = weak ? 'W' : 'T';
      break;
    case ExternKind::global:
      letter = !data ? 'G' : weak ? 'V' : 'D';
      break;
    case ExternKind::memory:
      letter = 'M';
      break;
    case ExternKind::table:
      letter = 'E';
      break;
    case ExternKind::tag:
      letter = 'X';
      break;
  }
  const bool local = (flags & wasm::kSymbolBindingLocal) != 0;
  return local ? static_cast<char>(letter - 'A' + 'a') : letter;
}

const char* binding_of(uint32_t flags) {
  if ((flags & wasm::kSymbolBindingLocal) != 0) {
    return "local";
  }
  return (flags & wasm::kSymbolBindingWeak) != 0 ? "weak" : "global";
}

Symbol defined_symbol(const wasm::Module& module, const wasm::Export& entry) {
  Symbol symbol;
  symbol.defined = true;
  symbol.name = entry.name;
  if (module.dylink) {
    symbol.flags = module.dylink->flags_of_export(wasm::SymbolName(entry.name));
  }
  const bool data = is_data(module, entry);
  symbol.kind = data ? "data" : to_string(entry.kind);
  symbol.type = data ? "data" : describe_type(module, entry.kind, entry.index);
  symbol.letter = letter_of_defined(entry, data, symbol.flags);
  symbol.binding = link::is_private_symbol(entry.name) ? "private" : binding_of(symbol.flags);
  if (entry.kind == ExternKind::function && entry.index >= module.imported_functions) {
    symbol.offset = module.functions[entry.index].body_offset;
  } else if (data) {
    const wasm::ConstantExpression& initial = module.globals[entry.index].initial;
    if (initial.size() == 1 && initial.front().opcode == kI32Const) {
      symbol.offset = static_cast<uint32_t>(initial.front().immediate);
    }
  }
  return symbol;
}

/// What the linker itself gives every module.
bool is_linker_made(const wasm::Import& import) {
  return import.module == "env" &&
         (import.kind == ExternKind::memory || import.kind == ExternKind::table ||
          (import.kind == ExternKind::global &&
           (import.name == "__memory_base" || import.name == "__table_base" || import.name == "__stack_pointer")));
}

Symbol wanted_symbol(const wasm::Module& module, const wasm::Import& entry, uint32_t flags) {
  Symbol symbol;
  symbol.module = entry.module;
  symbol.name = entry.name;
  symbol.flags = flags;
  symbol.binding = is_linker_made(entry) ? "linker" : binding_of(flags);
  symbol.letter = (flags & wasm::kSymbolBindingWeak) != 0 ? 'w' : 'U';
  const bool global = entry.kind == ExternKind::global;
  if (global && entry.module == "GOT.mem") {
    symbol.kind = "data";
    symbol.type = "address of data";
  } else if (global && entry.module == "GOT.func") {
    symbol.kind = "function";
    symbol.type = "address of function";
  } else {
    symbol.kind = to_string(entry.kind);
    symbol.type = describe_type(module, entry.kind, entry.index);
  }
  return symbol;
}

std::vector<Symbol> list_symbols(const wasm::Module& module, const NmOptions& options) {
  std::vector<Symbol> symbols;
  if (!options.undefined_only) {
    for (const wasm::Export& entry : module.exports) {
      symbols.push_back(defined_symbol(module, entry));
    }
  }
  if (!options.defined_only) {
    std::unordered_map<std::string_view, uint32_t> flags;
    if (module.dylink) {
      for (const wasm::DylinkImport& entry : module.dylink->import_flags) {
        flags[entry.name] |= entry.flags;
      }
    }
    for (const wasm::Import& entry : module.imports) {
      const auto known = flags.find(entry.name);
      symbols.push_back(wanted_symbol(module, entry, known == flags.end() ? 0 : known->second));
    }
  }
  if (options.dynamic_only) {
    std::erase_if(symbols, [](const Symbol& symbol) { return !symbol.takes_part_in_lookup(); });
  }
  std::ranges::sort(symbols, {}, [](const Symbol& symbol) { return std::tie(symbol.name, symbol.letter); });
  return symbols;
}

std::string to_text(const Symbol& symbol) {
  std::string remarks;
  for (const char* const flag : {"hidden", "tls"}) {
    const auto names = flag_names(symbol.flags);
    if (std::ranges::find(names, flag) != names.end()) {
      remarks += fmt::format(", {}", flag);
    }
  }
  return fmt::format("{:>8} {} {:<7} {}  {}{}\n", symbol.offset ? fmt::format("{:08x}", *symbol.offset) : "",
                     symbol.letter, symbol.binding, escaped(symbol.full_name()), symbol.type, remarks);
}

ordered_json to_json(const Symbol& symbol) {
  return {{"name", symbol.name},
          {"module", symbol.defined ? ordered_json() : ordered_json(symbol.module)},
          {"defined", symbol.defined},
          {"kind", symbol.kind},
          {"letter", std::string(1, symbol.letter)},
          {"binding", symbol.binding},
          {"tls", (symbol.flags & wasm::kSymbolTls) != 0},
          {"flags", flag_names(symbol.flags)},
          {"offset", symbol.offset ? ordered_json(*symbol.offset) : ordered_json()},
          {"type", symbol.type}};
}

int show(const NmOptions& options, const std::vector<std::string>& files) {
  int exit_code = kExitSuccess;
  ordered_json all = ordered_json::array();
  std::string text;
  for (const std::string& file : files) {
    const auto module = read_module(file);
    if (!module) {
      complain("{}", module.error().message);
      exit_code = std::max(exit_code, exit_code_of(module.error().kind));
      continue;
    }
    if (files.size() > 1) {
      text += escaped(file) + ":\n";
    }
    ordered_json list = ordered_json::array();
    for (const Symbol& symbol : list_symbols(**module, options)) {
      if (options.json) {
        list.push_back(to_json(symbol));
      } else {
        text += to_text(symbol);
      }
    }
    all.push_back({{"file", file}, {"symbols", std::move(list)}});
  }
  if (options.json) {
    text = all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return write_output(text) ? exit_code : kExitFailure;
}

}  // namespace

int nm(Words words) {
  NmOptions options;
  const std::vector<Option> table = {
      {'D', "dynamic", "", "only what takes part in symbol lookup: neither private nor linker",
       set_flag(options.dynamic_only)},
      {0, "defined-only", "", "only exports", set_flag(options.defined_only)},
      {'u', "undefined-only", "", "only imports", set_flag(options.undefined_only)},
      {0, "json", "", "answer in JSON: a list with an object for each FILE", set_flag(options.json)},
  };
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (options.defined_only && options.undefined_only) {
    complain("--defined-only and --undefined-only leave nothing to list; give one of them");
    return kExitUsage;
  }
  if (parsed->operands.empty()) {
    complain("say which file to look at: tenon nm [OPTIONS] FILE...");
    return kExitUsage;
  }
  return show(options, parsed->operands);
}

}  // namespace tenon::cli
