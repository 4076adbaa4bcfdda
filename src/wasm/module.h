// A WebAssembly module: everything but function bodies and data, which stay where they are in the bytes. It is decoded
// from them, or restored from a snapshot of a module that was decoded before, which has no function bodies
// (snapshot.h).
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
#include <vector>

#include "base/arena.h"
#include "base/mapped_file.h"
#include "base/reader.h"
#include "base/result.h"
#include "wasm/export_index.h"
#include "wasm/flat.h"
#include "wasm/types.h"

namespace tenon::wasm {

enum class ExternKind : uint8_t { function = 0, table = 1, memory = 2, global = 3, tag = 4 };

/// "function", "table", ...
[[nodiscard]] const char* to_string(ExternKind kind);

constexpr uint32_t kNoIndex = UINT32_MAX;

// The structs from here on that Module has in an Array are used where they lie in a snapshot: whoever changes one
// changes kSnapshotVersion.

struct Import {
  Name module;
  Name name;
  ExternKind kind;
  uint32_t index;  ///< in the index space of its kind
};

struct Export {
  Name name;
  ExternKind kind;
  uint32_t index;
};

/// One instruction of a constant expression: i32/i64/f32/f64.const (bits in `immediate`), global.get, ref.func (index),
/// ref.null, and with extended-const i32/i64 add, sub, mul. A v128.const is two, each with half of it, the lower first.
/// Validated: evaluation needs no checks of types.
struct ConstantInstruction {
  uint64_t opcode;  ///< as in the binary format; this wide so that there is no padding
  uint64_t immediate;
};
using ConstantExpression = FlatSpan<ConstantInstruction>;

struct Function {
  uint32_t type;             ///< index into Module::types
  uint32_t body_offset = 0;  ///< of the body's first byte (the locals) in the module's file; defined functions only
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
  uint32_t table = 0;                        ///< active only
  ConstantExpression offset;                 ///< active only
  FlatSpan<uint32_t> functions;              ///< function indices, kNoIndex for null; used when `expressions` is empty
  FlatSpan<ConstantExpression> expressions;  ///< when any initialiser is more than ref.func or ref.null

  [[nodiscard]] size_t size() const { return expressions.empty() ? functions.size() : expressions.size(); }
};

struct DataSegment {
  SegmentMode mode;
  uint32_t memory = 0;
  ConstantExpression offset;  ///< active only
  uint32_t bytes_offset;      ///< of its content in Module::bytes
  uint32_t size;
};

struct CustomSection {
  Name name;
  uint32_t offset;  ///< of the content after the name, in the file
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
  Name module;
  Name name;
  uint32_t flags;
};

struct DylinkExport {
  Name name;
  uint32_t flags;
};

/// The `dylink.0` section. Unknown subsections are skipped. Alignments are powers of two given as exponents in the file
/// and checked to be at most 2^16 (memory) and 2^16 (table).
struct Dylink {
  uint32_t memory_size = 0;       ///< bytes
  uint32_t memory_alignment = 0;  ///< exponent of two
  uint32_t table_size = 0;        ///< elements
  uint32_t table_alignment = 0;   ///< exponent of two
  Array<Name> needed;
  Array<DylinkExport> export_flags;  ///< ascending by hash of the name; each name once
  Array<DylinkImport> import_flags;
  Array<Name> runtime_path;

  /// Of the export called `name`; 0 when nothing says otherwise.
  [[nodiscard]] uint32_t flags_of_export(const SymbolName& name) const;
};

/// A section as it stands in the file, for `tenon inspect`.
struct Section {
  uint32_t id;
  uint32_t offset;  ///< of the content, in the file
  uint32_t size;
};

/// A function body that a snapshot has in it.
struct KeptBody {
  uint32_t function;
  uint32_t size;
  uint64_t offset;  ///< in the snapshot
};

/// A set of functions of one module.
class FunctionSet {
 public:
  FunctionSet() = default;
  explicit FunctionSet(std::span<const uint64_t> words) : words_(words) {}

  [[nodiscard]] bool contains(uint32_t function) const {
    return function / 64 < words_.size() && (words_[function / 64] >> (function % 64) & 1) != 0;
  }
  /// While the module is being made.
  void insert(uint32_t function) {
    if (function / 64 >= words_.size()) {
      words_.resize(function / 64 + 1);
    }
    words_.own()[function / 64] |= uint64_t{1} << (function % 64);
  }
  [[nodiscard]] std::span<const uint64_t> words() const { return words_.view(); }

 private:
  Array<uint64_t> words_;
};

/// Decoded and validated; immutable; safe to use from any number of threads.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// What to call it in messages: the path it was read from, or what the embedder calls it.
  std::string name;

  std::vector<TypeReference> types;
  Array<Import> imports;
  Array<Export> exports;
  Array<Function> functions;  ///< imported ones first, as in the index space; so for the following
  std::vector<Table> tables;
  std::vector<Memory> memories;
  Array<Global> globals;
  Array<Tag> tags;
  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;
  std::optional<uint32_t> start;
  Array<ElementSegment> elements;
  Array<DataSegment> data;
  bool has_data_count = false;
  Array<CustomSection> custom_sections;
  Array<Section> sections;
  std::optional<Dylink> dylink;
  /// Functions that ref.func may name: those in exports, element segments, globals (specification 3.4.10, C.refs).
  FunctionSet declared_functions;
  /// Whether it can hold a function reference anywhere but in the table elements that its active segments fill: it has
  /// an instruction that makes, reads or writes one, or a global for one. C compiles to modules that cannot.
  bool moves_references = false;
  /// Whether it copies a passive data segment (memory.init) that no function of its own ever drops (data.drop). wasm-ld
  /// drops what it has initialised, but for thread-local data, from which every thread's is copied.
  bool keeps_passive_data = false;

  [[nodiscard]] const FunctionType& function_type(uint32_t function) const { return *types[functions[function].type]; }
  [[nodiscard]] bool is_imported_function(uint32_t function) const { return function < imported_functions; }

  /// The export called `name`, or null. Constant time.
  [[nodiscard]] const Export* find_export(std::string_view export_name) const {
    return find_export(SymbolName(export_name));
  }
  [[nodiscard]] const Export* find_export(const SymbolName& export_name) const {
    return export_index_.find(exports.view(), export_name);
  }

  /// What it was made from: its file, or its snapshot. When is_mapped(), reading may fault if another process truncates
  /// the file: read through base::guarded_copy.
  [[nodiscard]] base::Bytes bytes() const { return bytes_.view(); }
  [[nodiscard]] const base::FileBytes& storage() const { return bytes_; }

  /// Made from a snapshot: it can run compiled code only.
  [[nodiscard]] bool is_restored() const { return is_restored_; }
  /// The body of a defined function, from the locals to `end`: as bytes(). Nothing when a restored module has not kept
  /// it.
  [[nodiscard]] std::optional<base::Bytes> body(uint32_t function) const;

  /// The name of `function` for people: from the name section, else an export's, else the import's, else "function[N]".
  /// Not fast; never fails.
  [[nodiscard]] std::string function_name(uint32_t function) const;
  /// The same for all functions by index, faster than one by one.
  [[nodiscard]] std::vector<std::string> function_names() const;

  // While it is being made.

  /// Sets what find_export uses. False when two exports have one name.
  [[nodiscard]] bool index_exports() { return export_index_.build(exports.view()); }
  /// Copies that live as long as the module.
  template <class T>
  [[nodiscard]] std::span<const T> keep(std::span<const T> array) {
    return arena_.copy(array);
  }
  [[nodiscard]] Name keep_name(std::string_view text) { return Name(arena_.copy(text)); }

 private:
  friend class Decoder;
  friend class SnapshotWriter;
  friend class SnapshotReader;

  /// Calls `found` with the index and name of every function in the name sections.
  void read_name_sections(const std::function<void(uint32_t, std::string_view)>& found) const;
  /// The name that a restored module has of a function; empty when it has none.
  [[nodiscard]] std::string_view kept_name(uint32_t function) const;

  base::FileBytes bytes_;
  base::Arena arena_;
  ExportIndex export_index_;
  bool is_restored_ = false;
  // What a restored one has in place of the code and the name section.
  std::span<const KeptBody> bodies_;       ///< ascending
  std::span<const uint32_t> name_starts_;  ///< of each function's name in name_text_, and where the last one ends
  std::string_view name_text_;
};

/// Decodes all sections, checks everything that does not need function bodies (types, limits, indices, constant
/// expressions, segments, exports unique, start function) and validates every function body. `name` is for messages.
/// Errors: malformed, invalid, unsupported (the message names the proposal), limit (of the engine: see decode.cpp) and
/// io when a mapped file shrinks meanwhile. The messages contain the official test suite's words for the failure.
[[nodiscard]] Result<std::shared_ptr<const Module>> decode_and_validate(base::FileBytes bytes, std::string name);

/// Only the sections, no function bodies: for tools that look at files (`tenon nm`, `tenon inspect`).
[[nodiscard]] Result<std::shared_ptr<const Module>> decode(base::FileBytes bytes, std::string name);

}  // namespace tenon::wasm
