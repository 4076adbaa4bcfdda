#include "capi/module.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>

namespace tenon::capi {

namespace {

using wasm::ExternKind;

constexpr std::array<uint8_t, 4> kWasmMagic = {0x00, 'a', 's', 'm'};
constexpr std::array<uint8_t, 4> kWamrImageMagic = {0x00, 'a', 'o', 't'};
constexpr std::array<uint8_t, 4> kElfMagic = {0x7f, 'E', 'L', 'F'};
constexpr uint32_t kHeaderSize = 8;

bool begins_with(std::span<const uint8_t> bytes, const std::array<uint8_t, 4>& magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

void add_items(WASMModuleCommon& module) {
  const wasm::Module& decoded = module.module();
  for (const wasm::Import& import : decoded.imports) {
    module.imports_wasi |= is_wasi_module(import.module);
    if (import.kind != ExternKind::tag) {
      module.imports.push_back({import.module.str(), import.name.str(), import.kind, import.index});
    }
  }
  for (const wasm::Export& symbol : decoded.exports) {
    if (symbol.kind != ExternKind::tag) {
      module.exports.push_back({{}, symbol.name.str(), symbol.kind, symbol.index});
    }
  }
}

bool exports(const WASMModuleCommon& module, const WASMModuleCommon::Item& import) {
  const wasm::Export* const symbol = module.module().find_export(import.name);
  return symbol != nullptr && symbol->kind == import.kind;
}

/// Whether somebody has what `module` imports, as far as that can be said before it is linked.
bool is_linked(const WASMModuleCommon& module, const WASMModuleCommon::Item& import) {
  for (const auto& [name, dependency] : module.dependencies) {
    if (name == import.module) {
      return exports(*dependency, import);
    }
  }
  if (import.kind == ExternKind::function &&
      (module.runtime->find_native(import.module, import.name) || wasi_has(import.module, import.name))) {
    return true;
  }
  return module.shared->is_dynamic();  // libraries may have it
}

void warn_unlinked(const WASMModuleCommon& module) {
  for (const WASMModuleCommon::Item& import : module.imports) {
    if (import.kind == ExternKind::function && !is_linked(module, import)) {
      log(WASM_LOG_LEVEL_WARNING, "failed to link import function ({}, {})", import.module, import.name);
    }
  }
}

using Loaded = Result<std::shared_ptr<WASMModuleCommon>>;

Loaded load(const std::shared_ptr<Runtime>& runtime, const base::FileBytes& bytes, const std::string& name,
            std::vector<std::string>& loading);

/// The module that a plain one imports from as `name`: registered, or the reader's. Null when nobody has it.
Loaded find_dependency(const std::shared_ptr<Runtime>& runtime, const std::string& name,
                       std::vector<std::string>& loading) {
  module_reader reader = nullptr;
  module_destroyer destroyer = nullptr;
  {
    const std::scoped_lock lock(runtime->mutex);
    if (const auto known = runtime->modules.find(name); known != runtime->modules.end()) {
      return known->second;
    }
    reader = runtime->reader;
    destroyer = runtime->destroyer;
  }
  if (std::ranges::find(loading, name) != loading.end()) {
    return fail(ErrorKind::unlinkable, "found circular dependency on {}", name);
  }
  if (reader == nullptr) {
    return nullptr;
  }
  const auto bytes = ask_reader(reader, destroyer, name);
  if (!bytes) {
    return fail(ErrorKind::not_found, "failed to load sub module {}: the module reader does not have it", name);
  }
  loading.push_back(name);
  auto module = TENON_TRY(load(runtime, *bytes, name, loading));
  loading.pop_back();
  module->registered_name = name;
  const std::scoped_lock lock(runtime->mutex);
  return runtime->modules.try_emplace(name, std::move(module)).first->second;
}

Result<> add_dependencies(WASMModuleCommon& module, std::vector<std::string>& loading) {
  for (const WASMModuleCommon::Item& import : module.imports) {
    const auto is_known = [&](const auto& dependency) { return dependency.first == import.module; };
    if (import.module.empty() || import.module == "env" || is_wasi_module(import.module) ||
        module.runtime->has_natives(import.module) || std::ranges::any_of(module.dependencies, is_known)) {
      continue;
    }
    if (auto dependency = TENON_TRY(find_dependency(module.runtime, import.module, loading))) {
      module.dependencies.emplace_back(import.module, std::move(dependency));
    }
  }
  return {};
}

Loaded load(const std::shared_ptr<Runtime>& runtime, const base::FileBytes& bytes, const std::string& name,
            std::vector<std::string>& loading) {
  if (begins_with(bytes.view(), kWamrImageMagic)) {
    return fail(ErrorKind::unsupported, "this is an AOT file of WAMR's, which only WAMR runs: load the module");
  }
  if (begins_with(bytes.view(), kElfMagic)) {
    return fail(ErrorKind::unsupported, "this is compiled code: load the module that it was made from");
  }
  auto module = std::make_shared<WASMModuleCommon>();
  module->runtime = runtime;
  module->shared = TENON_TRY(runtime->engine.load(bytes, name));
  add_items(*module);
  if (!module->shared->is_dynamic()) {
    TENON_CHECK(add_dependencies(*module, loading));
  }
  return module;
}

/// The handle, or null with the reason in the caller's buffer.
wasm_module_t load(base::Bytes bytes, const LoadArgs* args, char* error_buf, uint32_t error_buf_size) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr) {
    set_error(error_buf, error_buf_size, "WASM module load failed: the runtime is not initialised");
    return nullptr;
  }
  const std::string name = args == nullptr || args->name == nullptr ? "" : args->name;
  std::vector<std::string> loading;
  auto loaded =
      load(runtime, base::FileBytes::own({bytes.begin(), bytes.end()}), name.empty() ? "main" : name, loading);
  if (!loaded) {
    set_error(error_buf, error_buf_size, "WASM module load failed: " + loaded.error().message);
    return nullptr;
  }
  (*loaded)->name = name;
  if (args == nullptr || !args->no_resolve) {
    warn_unlinked(**loaded);
  }
  return module_handles().add(*std::move(loaded));
}

void append_leb(std::vector<uint8_t>& bytes, uint32_t value) {
  for (; value > 0x7f; value >>= 7) {
    bytes.push_back(static_cast<uint8_t>(value | 0x80));
  }
  bytes.push_back(static_cast<uint8_t>(value));
}

uint32_t to_u32(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

// The handles of types are pointers to what a module has.
const wasm::FunctionType* from(wasm_func_type_t type) {
  return reinterpret_cast<const wasm::FunctionType*>(type);
}
const wasm::GlobalType* from(wasm_global_type_t type) {
  return reinterpret_cast<const wasm::GlobalType*>(type);
}
const wasm::MemoryType* from(wasm_memory_type_t type) {
  return reinterpret_cast<const wasm::MemoryType*>(type);
}
const wasm::TableType* from(wasm_table_type_t type) {
  return reinterpret_cast<const wasm::TableType*>(type);
}
template <class Handle, class Type>
Handle to(const Type& type) {
  return reinterpret_cast<Handle>(const_cast<Type*>(&type));
}

/// Fills kind and type of a wasm_import_t or wasm_export_t.
template <class Described>
void describe(const wasm::Module& module, const WASMModuleCommon::Item& item, Described& described) {
  switch (item.kind) {
    case ExternKind::function:
      described.kind = WASM_IMPORT_EXPORT_KIND_FUNC;
      described.u.func_type = to<wasm_func_type_t>(module.function_type(item.index));
      break;
    case ExternKind::table:
      described.kind = WASM_IMPORT_EXPORT_KIND_TABLE;
      described.u.table_type = to<wasm_table_type_t>(module.tables[item.index].type);
      break;
    case ExternKind::memory:
      described.kind = WASM_IMPORT_EXPORT_KIND_MEMORY;
      described.u.memory_type = to<wasm_memory_type_t>(module.memories[item.index].type);
      break;
    default:
      described.kind = WASM_IMPORT_EXPORT_KIND_GLOBAL;
      described.u.global_type = to<wasm_global_type_t>(module.globals[item.index].type);
      break;
  }
}

wasm_valkind_t kind_at(const std::vector<wasm::ValueType>& types, uint32_t index) {
  return index < types.size() ? to_valkind(types[index]) : static_cast<wasm_valkind_t>(-1);
}

constexpr auto kNoKind = static_cast<wasm_valkind_t>(-1);

}  // namespace

bool is_wasi_module(std::string_view module) {
  return module == wasi::Wasi::kModule || module == wasi::Wasi::kUnstableModule;
}

bool wasi_has(std::string_view module, std::string_view name) {
  if (module == "wasi") {
    return name == "thread-spawn";
  }
  const auto has = [&](std::span<const runtime::HostFunctionDefinition> functions) {
    return std::ranges::any_of(functions, [&](const auto& function) { return function.name == name; });
  };
  return (module == wasi::Wasi::kModule && has(wasi::Wasi::functions())) ||
         (module == wasi::Wasi::kUnstableModule && has(wasi::Wasi::unstable_functions()));
}

wasm_valkind_t to_valkind(wasm::ValueType type) {
  switch (type) {
    case wasm::ValueType::i32:
      return WASM_I32;
    case wasm::ValueType::i64:
      return WASM_I64;
    case wasm::ValueType::f32:
      return WASM_F32;
    case wasm::ValueType::f64:
      return WASM_F64;
    case wasm::ValueType::v128:
      return WASM_V128;
    case wasm::ValueType::funcref:
      return WASM_FUNCREF;
    case wasm::ValueType::externref:
      return WASM_EXTERNREF;
    case wasm::ValueType::bottom:
      break;
  }
  return kNoKind;
}

std::optional<base::FileBytes> ask_reader(module_reader reader, module_destroyer destroyer, const std::string& name) {
  uint8_t* buffer = nullptr;
  uint32_t size = 0;
  if (!reader(Wasm_Module_Bytecode, name.c_str(), &buffer, &size) || buffer == nullptr) {
    return std::nullopt;
  }
  auto bytes = base::FileBytes::own({buffer, buffer + size});
  if (destroyer != nullptr) {
    destroyer(buffer, size);
  }
  return bytes;
}

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

package_type_t get_package_type(const uint8_t* buf, uint32_t size) {
  if (buf == nullptr) {
    return Package_Type_Unknown;
  }
  const std::span bytes(buf, size);
  if (begins_with(bytes, kWasmMagic)) {
    return Wasm_Module_Bytecode;
  }
  return begins_with(bytes, kWamrImageMagic) ? Wasm_Module_AoT : Package_Type_Unknown;
}

package_type_t wasm_runtime_get_file_package_type(const uint8_t* buf, uint32_t size) {
  return get_package_type(buf, size);
}

package_type_t wasm_runtime_get_module_package_type(const wasm_module_t module) {
  return module == nullptr ? Package_Type_Unknown : Wasm_Module_Bytecode;
}

uint32_t wasm_runtime_get_file_package_version(const uint8_t* buf, uint32_t size) {
  if (get_package_type(buf, size) == Package_Type_Unknown || size < kHeaderSize) {
    return 0;
  }
  return buf[4] | (buf[5] << 8) | (buf[6] << 16) | (static_cast<uint32_t>(buf[7]) << 24);
}

uint32_t wasm_runtime_get_module_package_version(const wasm_module_t module) {
  return module == nullptr ? 0 : 1;
}

uint32_t wasm_runtime_get_current_package_version(package_type_t package_type) {
  return to_number(package_type) == Wasm_Module_Bytecode ? 1 : 0;
}

bool wasm_runtime_is_xip_file(const uint8_t* /*buf*/, uint32_t /*size*/) {
  return false;
}

wasm_module_t wasm_runtime_load(uint8_t* buf, uint32_t size, char* error_buf, uint32_t error_buf_size) {
  return wasm_runtime_load_ex(buf, size, nullptr, error_buf, error_buf_size);
}

wasm_module_t wasm_runtime_load_ex(uint8_t* buf, uint32_t size, const LoadArgs* args, char* error_buf,
                                   uint32_t error_buf_size) {
  if (buf == nullptr) {
    set_error(error_buf, error_buf_size, "WASM module load failed: there are no bytes");
    return nullptr;
  }
  return load(tenon::base::Bytes(buf, size), args, error_buf, error_buf_size);
}

wasm_module_t wasm_runtime_load_from_sections(wasm_section_list_t section_list, bool is_aot, char* error_buf,
                                              uint32_t error_buf_size) {
  if (section_list == nullptr || is_aot) {
    set_error(error_buf, error_buf_size,
              is_aot ? "WASM module load failed: sections of an AOT file of WAMR's, which only WAMR runs"
                     : "WASM module load failed: there are no sections");
    return nullptr;
  }
  std::vector<uint8_t> bytes(kWasmMagic.begin(), kWasmMagic.end());
  bytes.insert(bytes.end(), {1, 0, 0, 0});
  for (const wasm_section_t* section = section_list; section != nullptr; section = section->next) {
    if (section->section_body == nullptr && section->section_body_size != 0) {
      set_error(error_buf, error_buf_size, "WASM module load failed: a section without a body");
      return nullptr;
    }
    bytes.push_back(static_cast<uint8_t>(section->section_type));
    append_leb(bytes, section->section_body_size);
    bytes.insert(bytes.end(), section->section_body, section->section_body + section->section_body_size);
  }
  return load(bytes, nullptr, error_buf, error_buf_size);
}

bool wasm_runtime_resolve_symbols(wasm_module_t module) {
  return module != nullptr && std::ranges::all_of(module->imports, [&](const WASMModuleCommon::Item& import) {
           return import.kind != ExternKind::function || is_linked(*module, import);
         });
}

void wasm_runtime_unload(wasm_module_t module) {
  (void)module_handles().take(module);
}

bool wasm_runtime_is_underlying_binary_freeable(const wasm_module_t module) {
  return module != nullptr;
}

bool wasm_runtime_set_module_name(wasm_module_t module, const char* name, char* error_buf, uint32_t error_buf_size) {
  if (module == nullptr || name == nullptr) {
    set_error(error_buf, error_buf_size, "set module name failed: there is no module, or no name");
    return false;
  }
  const std::scoped_lock lock(module->mutex);
  module->name = name;
  return true;
}

const char* wasm_runtime_get_module_name(wasm_module_t module) {
  if (module == nullptr) {
    return "";
  }
  const std::scoped_lock lock(module->mutex);
  return module->name.c_str();
}

const uint8_t* wasm_runtime_get_custom_section(const wasm_module_t module_comm, const char* name, uint32_t* len) {
  if (module_comm == nullptr || name == nullptr) {
    return nullptr;
  }
  const tenon::wasm::Module& module = module_comm->module();
  const auto found = std::ranges::find_if(module.custom_sections,
                                          [&](const auto& section) { return section.name == std::string_view(name); });
  if (found == module.custom_sections.end()) {
    return nullptr;
  }
  if (len != nullptr) {
    *len = found->size;
  }
  return module.bytes().data() + found->offset;
}

void wasm_runtime_set_module_reader(const module_reader reader, const module_destroyer destroyer) {
  if (const auto runtime = Runtime::current()) {
    const std::scoped_lock lock(runtime->mutex);
    runtime->reader = reader;
    runtime->destroyer = destroyer;
  }
}

bool wasm_runtime_register_module(const char* module_name, wasm_module_t module, char* error_buf,
                                  uint32_t error_buf_size) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || module_name == nullptr || module == nullptr) {
    set_error(error_buf, error_buf_size, "Register module failed: there is no runtime, no name or no module");
    return false;
  }
  const std::scoped_lock locks(runtime->mutex, module->mutex);
  const auto known = runtime->modules.find(std::string_view(module_name));
  if ((known != runtime->modules.end() && known->second.get() != module) ||
      (!module->registered_name.empty() && module->registered_name != module_name)) {
    set_error(error_buf, error_buf_size,
              fmt::format("Register module failed: {}",
                          module->registered_name.empty()
                              ? fmt::format("another module is registered as {}", module_name)
                              : fmt::format("the module is registered as {}", module->registered_name)));
    return false;
  }
  module->registered_name = module_name;
  runtime->modules.try_emplace(module_name, module->shared_from_this());
  return true;
}

wasm_module_t wasm_runtime_find_module_registered(const char* module_name) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || module_name == nullptr) {
    return nullptr;
  }
  const std::scoped_lock lock(runtime->mutex);
  const auto known = runtime->modules.find(std::string_view(module_name));
  return known == runtime->modules.end() ? nullptr : known->second.get();
}

int32_t wasm_runtime_get_import_count(const wasm_module_t module) {
  return module == nullptr ? -1 : static_cast<int32_t>(module->imports.size());
}

void wasm_runtime_get_import_type(const wasm_module_t module, int32_t import_index, wasm_import_t* import_type) {
  if (import_type == nullptr) {
    return;
  }
  *import_type = {};
  if (module != nullptr && import_index >= 0 && static_cast<size_t>(import_index) < module->imports.size()) {
    const WASMModuleCommon::Item& import = module->imports[static_cast<size_t>(import_index)];
    import_type->module_name = import.module.c_str();
    import_type->name = import.name.c_str();
    import_type->linked = is_linked(*module, import);
    describe(module->module(), import, *import_type);
  }
}

int32_t wasm_runtime_get_export_count(const wasm_module_t module) {
  return module == nullptr ? -1 : static_cast<int32_t>(module->exports.size());
}

void wasm_runtime_get_export_type(const wasm_module_t module, int32_t export_index, wasm_export_t* export_type) {
  if (export_type == nullptr) {
    return;
  }
  *export_type = {};
  if (module != nullptr && export_index >= 0 && static_cast<size_t>(export_index) < module->exports.size()) {
    const WASMModuleCommon::Item& symbol = module->exports[static_cast<size_t>(export_index)];
    export_type->name = symbol.name.c_str();
    describe(module->module(), symbol, *export_type);
  }
}

uint32_t wasm_func_type_get_param_count(const wasm_func_type_t func_type) {
  return func_type == nullptr ? 0 : static_cast<uint32_t>(from(func_type)->parameters.size());
}

wasm_valkind_t wasm_func_type_get_param_valkind(const wasm_func_type_t func_type, uint32_t param_index) {
  return func_type == nullptr ? kNoKind : kind_at(from(func_type)->parameters, param_index);
}

uint32_t wasm_func_type_get_result_count(const wasm_func_type_t func_type) {
  return func_type == nullptr ? 0 : static_cast<uint32_t>(from(func_type)->results.size());
}

wasm_valkind_t wasm_func_type_get_result_valkind(const wasm_func_type_t func_type, uint32_t result_index) {
  return func_type == nullptr ? kNoKind : kind_at(from(func_type)->results, result_index);
}

wasm_valkind_t wasm_global_type_get_valkind(const wasm_global_type_t global_type) {
  return global_type == nullptr ? kNoKind : to_valkind(from(global_type)->type);
}

bool wasm_global_type_get_mutable(const wasm_global_type_t global_type) {
  return global_type != nullptr && from(global_type)->is_mutable;
}

bool wasm_memory_type_get_shared(const wasm_memory_type_t memory_type) {
  return memory_type != nullptr && from(memory_type)->shared;
}

uint32_t wasm_memory_type_get_init_page_count(const wasm_memory_type_t memory_type) {
  return memory_type == nullptr ? 0 : to_u32(from(memory_type)->limits.minimum);
}

uint32_t wasm_memory_type_get_max_page_count(const wasm_memory_type_t memory_type) {
  return memory_type == nullptr ? 0 : to_u32(from(memory_type)->limits.maximum.value_or(tenon::wasm::kMaximumPages32));
}

wasm_valkind_t wasm_table_type_get_elem_kind(const wasm_table_type_t table_type) {
  return table_type == nullptr ? kNoKind : to_valkind(from(table_type)->element);
}

bool wasm_table_type_get_shared(const wasm_table_type_t /*table_type*/) {
  return false;
}

uint32_t wasm_table_type_get_init_size(const wasm_table_type_t table_type) {
  return table_type == nullptr ? 0 : to_u32(from(table_type)->limits.minimum);
}

uint32_t wasm_table_type_get_max_size(const wasm_table_type_t table_type) {
  return table_type == nullptr
             ? 0
             : to_u32(from(table_type)->limits.maximum.value_or(std::numeric_limits<uint32_t>::max()));
}

}  // extern "C"
