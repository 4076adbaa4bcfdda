// A module with everything about it that linking needs and that no program changes: its symbol table, what each import
// means, which exports the ABI gives a meaning. Worked out once, so that loading the module again only reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "aot/image.h"
#include "base/result.h"
#include "base/sha256.h"
#include "link/symbol_table.h"
#include "runtime/executable.h"

namespace tenon::link {

/// What a global import asks for.
enum class GlobalRole : uint8_t {
  memory_base,       ///< env.__memory_base: where the module's data was placed
  table_base,        ///< env.__table_base: where its table range starts
  stack_pointer,     ///< env.__stack_pointer: the cell that all DSOs of a thread share
  data_address,      ///< GOT.mem.x
  function_address,  ///< GOT.func.f
  symbol,            ///< any other: a global of that module, or env.__heap_base and its like
};

struct GlobalImport {
  const wasm::Import* import;
  SymbolName name;
  GlobalRole role;
  bool weak;    ///< stays 0 when nobody defines it
  bool is_got;  ///< of module GOT.mem or GOT.func
};

struct FunctionImport {
  const wasm::Import* import;
  SymbolName name;
  bool from_scope;  ///< module "env": looked up in the importer's scopes
  bool weak;        ///< may stay undefined; a call traps
  bool placed;  ///< an active segment puts it into a table when the module is instantiated: no binding at first call
  std::optional<uint32_t> address;  ///< the global import of its address (GOT.func), when there is one
};

/// Immutable and thread-safe but for what runtime::Executable says about itself.
class SharedModule final : public runtime::Executable {
 public:
  /// Errors: unlinkable, when an import that the ABI names has a type that the ABI does not give it.
  /// `image`: the module's compiled code; null when it is to be interpreted.
  [[nodiscard]] static Result<std::shared_ptr<SharedModule>> make(std::shared_ptr<const wasm::Module> module,
                                                                  runtime::CodeOptions options,
                                                                  std::shared_ptr<aot::Image> image = nullptr);

  /// By index in the index space of their kind.
  std::vector<FunctionImport> functions;
  std::vector<GlobalImport> globals;
  std::vector<const wasm::Import*> tables;
  std::vector<const wasm::Import*> memories;
  std::vector<const wasm::Import*> tags;

  SymbolTable symbols;

  /// Imports `__memory_base`: its data can be placed anywhere.
  bool position_independent = false;
  /// Has `dylink.0`: takes part in dynamic linking.
  [[nodiscard]] bool is_dynamic() const { return module().dylink.has_value(); }

  // Exports with a meaning of their own, by index in the index space of their kind.
  std::optional<uint32_t> start;              ///< `_start`
  std::optional<uint32_t> initialize;         ///< `_initialize`, else `__wasm_call_ctors`; when not empty
  std::optional<uint32_t> apply_data_relocs;  ///< `__wasm_apply_data_relocs`; when not empty
  std::optional<uint32_t> init_tls;           ///< `__wasm_init_tls`
  std::optional<uint32_t> tls_base;           ///< `__tls_base`, a global
  std::optional<uint32_t> tls_size;           ///< `__tls_size`, a global
  std::optional<uint32_t> memory;             ///< `memory`
  std::optional<uint32_t> function_table;     ///< `__indirect_function_table`
  std::optional<uint32_t> stack_pointer;      ///< `__stack_pointer`, a global of its own

  /// Whether the global's Cell in an instance points to the exporter's (runtime::GlobalAccess::indirect).
  [[nodiscard]] bool is_indirect(uint32_t global) const {
    return global_access(global) == runtime::GlobalAccess::indirect;
  }
  /// Whether it has thread-local data but not the exports by which another thread than the first could get its own.
  [[nodiscard]] bool lacks_tls_exports() const;
  /// Whether data symbol `name` has another address in each thread.
  [[nodiscard]] bool is_thread_local(const SymbolName& name) const;

  SharedModule(std::shared_ptr<const wasm::Module> module, runtime::CodeOptions options,
               std::shared_ptr<aot::Image> image);

  /// SHA-256 of the module's bytes; nothing when they shrank under it.
  [[nodiscard]] std::optional<base::Sha256> hash() const;

 private:
  Result<> classify_imports();
  Result<> find_exports();
};

}  // namespace tenon::link
