// Names and classifications that all functions of a module share.
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/RuntimeLibcalls.h>
#include <llvm/TargetParser/Triple.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "compiler/emit.h"

namespace tenon::compiler {

namespace {

/// Names that a guest's function must not have as a symbol: LLVM knows what the function of that name does, or may call
/// it when a target has no instruction for something, and would come to the guest's; or a linker gives it a meaning.
class ReservedNames {
 public:
  ReservedNames() : library_(triple()) {
    llvm::RTLIB::RuntimeLibcallsInfo calls(triple());
    for (const char* const name : calls.getLibcallNames()) {
      if (name != nullptr) {
        names_.emplace(name);
      }
    }
  }

  [[nodiscard]] bool contains(std::string_view name) const {
    llvm::LibFunc function{};
    // ".L" would make it the assembler's own, "$" one of AArch64's marks between code and data.
    return name.starts_with(".L") || name.starts_with("$") || name.starts_with("llvm.") ||
           name.starts_with("__gxx_personality") || name.starts_with("__aarch64_") || names_.contains(name) ||
           library_.getLibFunc(llvm::StringRef(name), function);
  }

 private:
  static llvm::Triple triple() { return llvm::Triple("x86_64-unknown-linux-gnu"); }

  llvm::TargetLibraryInfoImpl library_;
  std::unordered_set<std::string_view> names_{"_DYNAMIC", "_GLOBAL_OFFSET_TABLE_", "__ehdr_start",  "_init",
                                              "_fini",    "__stack_chk_fail",      "__tls_get_addr"};
};

/// What an object file and a profiler's output can hold. '@' would start a symbol's version.
std::string symbol_characters(std::string_view name) {
  constexpr size_t kLongest = 2000;
  std::string result(name.substr(0, kLongest));
  std::ranges::replace_if(
      result, [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == '@' || c == '\x7f'; }, '_');
  return result;
}

}  // namespace

ModulePlan::ModulePlan(const wasm::Module& module, const EmitOptions& options)
    : module_(module),
      options_(options),
      layout_(module),
      global_access_(abi::classify_globals(module)),
      is_stack_pointer_(module.globals.size()) {
  constexpr std::string_view kStackPointer = "__stack_pointer";
  for (const wasm::Import& import : module.imports) {
    if (import.kind != wasm::ExternKind::global) {
      continue;
    }
    if (import.name == kStackPointer) {
      is_stack_pointer_[import.index] = true;
    }
    const wasm::GlobalType type = module.globals[import.index].type;
    if (module.dylink && import.module == "env" && import.name == "__memory_base" &&
        type == wasm::GlobalType{wasm::ValueType::i32, false}) {
      memory_base_ = import.index;
    }
  }
  if (const wasm::Export* const exported = module.find_export(kStackPointer);
      exported != nullptr && exported->kind == wasm::ExternKind::global && exported->index >= module.imported_globals) {
    is_stack_pointer_[exported->index] = true;
  }

  const ReservedNames reserved;
  std::vector<std::string> names = module.function_names();
  symbols_.reserve(names.size() - module.imported_functions);
  std::unordered_set<std::string_view> taken;
  taken.reserve(names.size());
  for (uint32_t function = module.imported_functions; function < names.size(); ++function) {
    std::string name = symbol_characters(names[function]);
    if (reserved.contains(name)) {
      name.insert(0, "wasm.");
    }
    std::string symbol = name;
    for (uint32_t attempt = 0; taken.contains(symbol); ++attempt) {
      symbol = attempt == 0 ? fmt::format("{}.{}", name, function) : fmt::format("{}.{}.{}", name, function, attempt);
    }
    symbols_.push_back(std::move(symbol));
    taken.insert(symbols_.back());
  }
}

}  // namespace tenon::compiler
