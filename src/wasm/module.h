// A decoded WebAssembly module: everything but function bodies and data, which stay where they are in the bytes.
//
// Names, types and constant expressions are copied out while decoding, so nothing that linking relies on can change
// when the file behind mapped bytes does. Function bodies and data are read again later: a body is copied and validated
// once more by whoever translates it (see validate.h), data goes into guest memory, where the guest may put anything
// anyway.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "base/reader.h"
#include "base/result.h"
#include "wasm/types.h"

namespace tenon::wasm {

enum class ExternKind : uint8_t { function = 0, table = 1, memory = 2, global = 3, tag = 4 };

/// "function", "table", ...
[[nodiscard]] const char* to_string(ExternKind kind);

constexpr uint32_t kNoIndex = UINT32_MAX;

struct Import {
  std::string module;
  std::string name;
  ExternKind kind;
  uint32_t index;  ///< in the index space of its kind
};

struct Export {
  std::string name;
  ExternKind kind;
  uint32_t index;
};

/// One instruction of a constant expression: i32/i64/f32/f64.const (bits in `immediate`), global.get, ref.func (index),
/// ref.null, and with extended-const i32/i64 add, sub, mul. Validated: evaluation needs no checks of types.
struct ConstantInstruction {
  uint8_t opcode;  ///< as in the binary format
  uint64_t immediate;
};
using ConstantExpression = std::vector<ConstantInstruction>;

struct Function {
  uint32_t type;             ///< index into Module::types
  uint32_t body_offset = 0;  ///< of the body's first byte (the locals) in the module's bytes; defined functions only
  uint32_t body_size = 0;
};

struct Table {
  TableType type;
};

struct Memory {
  MemoryType type;
};

struct Global {
  GlobalType type;
  ConstantExpression initial;  ///< empty for imported ones
  bool is_written = false;     ///< by code of this module
};

struct Tag {
  uint32_t type;  ///< index into Module::types
};

enum class SegmentMode : uint8_t { active, passive, declarative };

struct ElementSegment {
  SegmentMode mode;
  ValueType type;
  uint32_t table = 0;               ///< active only
  ConstantExpression offset;        ///< active only
  std::vector<uint32_t> functions;  ///< function indices, kNoIndex for null; used when `expressions` is empty
  std::vector<ConstantExpression> expressions;  ///< when any initialiser is more than ref.func or ref.null

  [[nodiscard]] size_t size() const { return expressions.empty() ? functions.size() : expressions.size(); }
};

struct DataSegment {
  SegmentMode mode;
  uint32_t memory = 0;
  ConstantExpression offset;  ///< active only
  uint32_t bytes_offset;      ///< of its content in the module's bytes
  uint32_t size;
};

struct CustomSection {
  std::string name;
  uint32_t offset;  ///< of the content after the name
  uint32_t size;
};

/// Symbol flags of `dylink.0` (tool-conventions, DynamicLinking.md and Linking.md).
enum SymbolFlags : uint32_t {
  kSymbolBindingWeak = 0x1,
  kSymbolBindingLocal = 0x2,
  kSymbolVisibilityHidden = 0x4,
  kSymbolUndefined = 0x10,
  kSymbolTls = 0x100,
};

struct DylinkImport {
  std::string module;
  std::string name;
  uint32_t flags;
};

/// The `dylink.0` section. Unknown subsections are skipped. Alignments are powers of two given as exponents in the file
/// and checked to be at most 2^16 (memory) and 2^16 (table).
struct Dylink {
  uint32_t memory_size = 0;       ///< bytes
  uint32_t memory_alignment = 0;  ///< exponent of two
  uint32_t table_size = 0;        ///< elements
  uint32_t table_alignment = 0;   ///< exponent of two
  std::vector<std::string> needed;
  std::unordered_map<std::string, uint32_t> export_flags;
  std::vector<DylinkImport> import_flags;
  std::vector<std::string> runtime_path;
};

/// A section as it stands in the file, for `tenon inspect`.
struct Section {
  uint8_t id;
  uint32_t offset;  ///< of the content
  uint32_t size;
};

/// Decoded and validated; immutable; safe to use from any number of threads.
class Module {
 public:
  /// What to call it in messages: the path it was read from, or what the embedder calls it.
  std::string name;

  std::vector<TypeReference> types;
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::vector<Function> functions;  ///< imported ones first, as in the index space; so for the following
  std::vector<Table> tables;
  std::vector<Memory> memories;
  std::vector<Global> globals;
  std::vector<Tag> tags;
  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;
  std::optional<uint32_t> start;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  bool has_data_count = false;
  std::vector<CustomSection> custom_sections;
  std::vector<Section> sections;
  std::optional<Dylink> dylink;
  /// Functions that ref.func may name: those in exports, element segments, globals (specification 3.4.10, C.refs).
  std::vector<bool> declared_functions;
  /// Whether it can hold a function reference anywhere but in the table elements that its active segments fill: it has
  /// an instruction that makes, reads or writes one, or a global for one. C compiles to modules that cannot.
  bool moves_references = false;

  [[nodiscard]] const FunctionType& function_type(uint32_t function) const { return *types[functions[function].type]; }
  [[nodiscard]] bool is_imported_function(uint32_t function) const { return function < imported_functions; }

  /// The export called `name`, or null. Constant time.
  [[nodiscard]] const Export* find_export(std::string_view name) const;

  /// The module's bytes. When is_mapped(), reading may fault if another process truncates the file: read through
  /// base::guarded_copy.
  [[nodiscard]] base::Bytes bytes() const { return bytes_.view(); }
  [[nodiscard]] const base::FileBytes& storage() const { return bytes_; }

  /// The name of `function` for people: from the name section, else an export's, else the import's, else "function[N]".
  /// Not fast; never fails.
  [[nodiscard]] std::string function_name(uint32_t function) const;
  /// The same for all functions by index, faster than one by one.
  [[nodiscard]] std::vector<std::string> function_names() const;

  /// Sets what find_export uses; called once, by the decoder.
  void index_exports();

 private:
  friend class Decoder;
  /// Calls `found` with the index and name of every function in the name sections.
  void read_name_sections(const std::function<void(uint32_t, std::string_view)>& found) const;

  base::FileBytes bytes_;
  std::unordered_map<std::string_view, uint32_t> export_index_;
};

/// Decodes all sections, checks everything that does not need function bodies (types, limits, indices, constant
/// expressions, segments, exports unique, start function) and validates every function body. `name` is for messages.
/// Errors: malformed, invalid, unsupported (message names the proposal), limit (of the engine: see decode.cpp) and io
/// when a mapped file shrinks meanwhile. The messages contain the official test suite's words for the failure.
[[nodiscard]] Result<std::shared_ptr<const Module>> decode_and_validate(base::FileBytes bytes, std::string name);

/// Only the sections, no function bodies: for tools that look at files (`tenon nm`, `tenon inspect`).
[[nodiscard]] Result<std::shared_ptr<const Module>> decode(base::FileBytes bytes, std::string name);

}  // namespace tenon::wasm
