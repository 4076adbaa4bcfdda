#include "link/shared_module.h"

#include <algorithm>
#include <bit>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "interp/interp.h"
#include "link/describe.h"
#include "link/report.h"

namespace tenon::link {

namespace {

using wasm::ExternKind;
using wasm::ValueType;

constexpr wasm::GlobalType kBase{ValueType::i32, false};
constexpr wasm::GlobalType kCell{ValueType::i32, true};

/// Whether a function is validated to be no more than an empty body: no groups of locals, `end`.
bool does_nothing(const wasm::Module& module, uint32_t function) {
  constexpr uint32_t kEmptyBody = 2;
  return !module.is_imported_function(function) && module.functions[function].body_size == kEmptyBody;
}

/// What the dynamic linking ABI says a global import is, by its name.
struct KnownGlobal {
  GlobalRole role;
  wasm::GlobalType type;
};
std::optional<KnownGlobal> known_global(const wasm::Import& import) {
  if (import.module == "GOT.mem") {
    return KnownGlobal{GlobalRole::data_address, kCell};
  }
  if (import.module == "GOT.func") {
    return KnownGlobal{GlobalRole::function_address, kCell};
  }
  if (import.module == "env") {
    if (import.name == "__memory_base") {
      return KnownGlobal{GlobalRole::memory_base, kBase};
    }
    if (import.name == "__table_base") {
      return KnownGlobal{GlobalRole::table_base, kBase};
    }
    if (import.name == "__stack_pointer") {
      return KnownGlobal{GlobalRole::stack_pointer, kCell};
    }
  }
  return std::nullopt;
}

/// The first GOT.func global of each name.
class AddressTable {
 public:
  explicit AddressTable(std::span<const GlobalImport> globals) : globals_(globals) {
    const auto is_address = [](const GlobalImport& global) { return global.role == GlobalRole::function_address; };
    places_.resize(std::bit_ceil(2 * static_cast<size_t>(std::ranges::count_if(globals, is_address)) + 1));
    for (const GlobalImport& global : globals) {
      if (is_address(global)) {
        const size_t place = find_place(global.name);
        places_[place] = places_[place] == nullptr ? &global : places_[place];
      }
    }
  }

  /// The index of the one called `name`.
  [[nodiscard]] std::optional<uint32_t> find(const SymbolName& name) const {
    const GlobalImport* const found = places_[find_place(name)];
    return found == nullptr ? std::nullopt : std::optional(static_cast<uint32_t>(found - globals_.data()));
  }

 private:
  /// Where `name` stands, else the free place where it would.
  [[nodiscard]] size_t find_place(const SymbolName& name) const {
    const size_t mask = places_.size() - 1;
    size_t place = name.hash & mask;
    while (places_[place] != nullptr &&
           (places_[place]->name.hash != name.hash || places_[place]->name.text != name.text)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  std::span<const GlobalImport> globals_;
  std::vector<const GlobalImport*> places_;  ///< open addressing; at most half full
};

/// Tells functions of the global imports of their addresses.
void find_addresses(std::span<FunctionImport> functions, std::span<const GlobalImport> globals) {
  const AddressTable addresses(globals);
  for (FunctionImport& function : functions) {
    if (function.from_scope) {
      function.address = addresses.find(function.name);
    }
  }
}

}  // namespace

Result<std::shared_ptr<SharedModule>> SharedModule::make(std::shared_ptr<const wasm::Module> module,
                                                         runtime::CodeOptions options,
                                                         std::shared_ptr<aot::Image> image) {
  auto shared = std::make_shared<SharedModule>(std::move(module), options, std::move(image));
  TENON_CHECK(shared->classify_imports());
  TENON_CHECK(shared->find_exports());
  return shared;
}

SharedModule::SharedModule(std::shared_ptr<const wasm::Module> module, runtime::CodeOptions options,
                           std::shared_ptr<aot::Image> image)
    : Executable(std::move(module), options, interp::entry_stubs(), std::move(image)), symbols(this->module()) {}

std::optional<base::Sha256> SharedModule::hash() const {
  return native() != nullptr ? static_cast<const aot::Image*>(native())->trailer().module_hash
                             : base::sha256(module().storage());
}

Result<> SharedModule::classify_imports() {
  const wasm::Module& wasm = module();
  std::unordered_map<std::string_view, uint32_t> flags;
  if (wasm.dylink) {
    for (const wasm::DylinkImport& import : wasm.dylink->import_flags) {
      flags[import.name] |= import.flags;
    }
  }
  const auto is_weak = [&](const wasm::Import& import) {
    if (flags.empty()) {
      return false;
    }
    const auto found = flags.find(import.name);
    return found != flags.end() && (found->second & wasm::kSymbolBindingWeak) != 0;
  };

  functions.reserve(wasm.imported_functions);
  globals.reserve(wasm.imported_globals);
  for (const wasm::Import& import : wasm.imports) {
    switch (import.kind) {
      case ExternKind::function:
        functions.push_back({&import, SymbolName(import.name), import.module == "env", is_weak(import), false, {}});
        break;
      case ExternKind::global: {
        GlobalRole role = GlobalRole::symbol;
        if (const auto known = known_global(import)) {
          const wasm::GlobalType& type = wasm.globals[import.index].type;
          if (type == known->type) {
            role = known->role;
          } else if (is_dynamic()) {
            return fail(ErrorKind::unlinkable, "{}: imports {}.{} as {}, but the dynamic linking ABI says {}",
                        wasm.name, import.module, printable(import.name), describe(type), describe(known->type));
          }
        }
        position_independent |= role == GlobalRole::memory_base;
        const bool is_got = import.module == "GOT.mem" || import.module == "GOT.func";
        globals.push_back({&import, SymbolName(import.name), role, is_weak(import), is_got});
        break;
      }
      case ExternKind::table:
        tables.push_back(&import);
        break;
      case ExternKind::memory:
        memories.push_back(&import);
        break;
      case ExternKind::tag:
        tags.push_back(&import);
        break;
    }
  }

  find_addresses(functions, globals);

  const auto place = [&](uint32_t function) {
    if (function < functions.size()) {
      functions[function].placed = true;
    }
  };
  const auto place_all = [&](const wasm::ConstantExpression& expression) {
    constexpr uint8_t kRefFunc = 0xd2;
    for (const wasm::ConstantInstruction& instruction : expression) {
      if (instruction.opcode == kRefFunc) {
        place(static_cast<uint32_t>(instruction.immediate));
      }
    }
  };
  for (const wasm::ElementSegment& segment : wasm.elements) {
    if (segment.mode == wasm::SegmentMode::active) {
      for (const uint32_t function : segment.functions) {
        place(function);
      }
      for (const wasm::ConstantExpression& expression : segment.expressions) {
        place_all(expression);
      }
    }
  }
  for (const wasm::Global& global : wasm.globals) {
    place_all(global.initial);
  }
  return {};
}

Result<> SharedModule::find_exports() {
  const wasm::Module& wasm = module();
  Result<> result;
  const auto function = [&](std::string_view name, const wasm::FunctionType& type) -> std::optional<uint32_t> {
    const wasm::Export* const found = wasm.find_export(name);
    if (found == nullptr || found->kind != ExternKind::function) {
      return std::nullopt;
    }
    if (wasm.function_type(found->index) != type) {
      if (is_dynamic()) {
        result = fail(ErrorKind::unlinkable, "{}: exports {} as a function {}, but the dynamic linking ABI says {}",
                      wasm.name, name, to_string(wasm.function_type(found->index)), to_string(type));
      }
      return std::nullopt;
    }
    return found->index;
  };
  const auto global = [&](std::string_view name) -> std::optional<uint32_t> {
    const wasm::Export* const found = wasm.find_export(name);
    const bool usable = found != nullptr && found->kind == ExternKind::global &&
                        found->index >= wasm.imported_globals && wasm.globals[found->index].type.type == ValueType::i32;
    return usable ? std::optional(found->index) : std::nullopt;
  };
  const auto other = [&](std::string_view name, ExternKind kind) -> std::optional<uint32_t> {
    const wasm::Export* const found = wasm.find_export(name);
    return found != nullptr && found->kind == kind ? std::optional(found->index) : std::nullopt;
  };

  const wasm::FunctionType nothing;
  start = function("_start", nothing);
  initialize = function("_initialize", nothing);
  if (!initialize) {
    initialize = function("__wasm_call_ctors", nothing);
  }
  apply_data_relocs = function("__wasm_apply_data_relocs", nothing);
  // The toolchain exports both always, mostly empty: those need no call.
  for (std::optional<uint32_t>* const empty : {&initialize, &apply_data_relocs}) {
    if (*empty && does_nothing(wasm, **empty)) {
      empty->reset();
    }
  }
  init_tls = function("__wasm_init_tls", wasm::FunctionType{{ValueType::i32}, {}});
  if (init_tls && wasm.is_imported_function(*init_tls)) {
    init_tls.reset();  // another module's sets up that one's
  }
  tls_base = global("__tls_base");
  tls_size = global("__tls_size");
  memory = other("memory", ExternKind::memory);
  function_table = other("__indirect_function_table", ExternKind::table);
  stack_pointer = global("__stack_pointer");
  if (stack_pointer && !wasm.globals[*stack_pointer].type.is_mutable) {
    stack_pointer.reset();
  }
  return result;
}

bool SharedModule::lacks_tls_exports() const {
  const wasm::Module& wasm = module();
  const bool is_shared = !wasm.memories.empty() && wasm.memories[0].type.shared;
  return is_dynamic() && is_shared && wasm.start && wasm.keeps_passive_data && (!init_tls || !tls_size);
}

bool SharedModule::is_thread_local(const SymbolName& name) const {
  const auto& dylink = module().dylink;
  return dylink && (dylink->flags_of_export(name) & wasm::kSymbolTls) != 0;
}

}  // namespace tenon::link
