#include "wasm/snapshot.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace tenon::wasm {

namespace {

constexpr std::array<char, 8> kMagic = {'t', 'e', 'n', 'o', 'n', 'm', 'o', 'd'};
constexpr size_t kAlignment = 8;

// What the linker looks through; see link/put_off.cpp.
constexpr std::array<std::string_view, 2> kConstructors = {"_initialize", "__wasm_call_ctors"};
constexpr uint32_t kLongestConstructor = 256;
constexpr uint32_t kLongestStart = 64U << 10;
constexpr size_t kMostBodies = 100;

struct TypeRecord {
  FlatSpan<ValueType> parameters;
  FlatSpan<ValueType> results;
};

struct LimitsRecord {
  uint64_t minimum = 0;
  uint64_t maximum = 0;
  uint64_t has_maximum = 0;
};

struct TableRecord {
  LimitsRecord limits;
  uint64_t element = 0;  ///< ValueType
};

struct MemoryRecord {
  LimitsRecord limits;
  uint64_t shared = 0;
};

struct DylinkRecord {
  uint32_t is_there = 0;
  uint32_t memory_size = 0;
  uint32_t memory_alignment = 0;
  uint32_t table_size = 0;
  uint32_t table_alignment = 0;
  uint32_t padding = 0;
  FlatSpan<Name> needed;
  FlatSpan<DylinkExport> export_flags;
  FlatSpan<DylinkImport> import_flags;
  FlatSpan<Name> runtime_path;
};

LimitsRecord record_of(const Limits& limits) {
  return {limits.minimum, limits.maximum.value_or(0), limits.maximum.has_value() ? 1U : 0U};
}
Limits limits_of(const LimitsRecord& record) {
  return {record.minimum, record.has_maximum != 0 ? std::optional(record.maximum) : std::nullopt};
}

/// At the start. What looking a symbol up reads is near to it.
struct Header {
  std::array<char, 8> magic{};
  uint32_t version = 0;
  uint32_t flags = 0;
  uint64_t size = 0;  ///< of the snapshot
  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;
  uint32_t start = kNoIndex;
  DylinkRecord dylink;
  FlatSpan<uint64_t> filter;
  FlatSpan<ExportIndex::Slot> slots;
  FlatSpan<Export> exports;
  FlatSpan<TypeRecord> types;
  FlatSpan<Import> imports;
  FlatSpan<TableRecord> tables;
  FlatSpan<MemoryRecord> memories;
  FlatSpan<Tag> tags;
  FlatSpan<Global> globals;
  FlatSpan<Function> functions;
  FlatSpan<ElementSegment> elements;
  FlatSpan<DataSegment> data;
  FlatSpan<CustomSection> custom_sections;
  FlatSpan<Section> sections;
  FlatSpan<uint64_t> declared_functions;
  FlatSpan<KeptBody> bodies;
  FlatSpan<uint32_t> name_starts;
  FlatSpan<char> name_text;
};

enum HeaderFlags : uint32_t { kHasDataCount = 1, kMovesReferences = 2, kKeepsPassiveData = 4 };

/// The functions whose bodies a snapshot keeps: those that the linker may look through, found by what looks like a call
/// in them. One too many does no harm.
std::vector<uint32_t> bodies_to_keep(const Module& module) {
  constexpr uint8_t kCall = 0x10;
  std::vector<uint32_t> kept;
  const auto keep = [&](uint32_t function, uint32_t longest) {
    if (function < module.functions.size() && !module.is_imported_function(function) && kept.size() < kMostBodies &&
        module.functions[function].body_size <= longest && std::ranges::find(kept, function) == kept.end()) {
      kept.push_back(function);
    }
  };
  if (module.start) {
    keep(*module.start, kLongestStart);
  }
  for (const std::string_view name : kConstructors) {
    if (const Export* const found = module.find_export(name); found != nullptr && found->kind == ExternKind::function) {
      keep(found->index, kLongestConstructor);
    }
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto body = module.body(kept[i]);
    std::array<uint8_t, kLongestConstructor> copy{};
    if (!body || body->size() > copy.size() || !base::guarded_copy(copy.data(), *body)) {
      continue;
    }
    for (size_t at = 0; at < body->size(); ++at) {
      if (copy[at] == kCall) {
        base::Reader operand(base::Bytes(copy).subspan(at + 1, body->size() - at - 1));
        const uint32_t callee = operand.u32();
        keep(operand.ok() ? callee : kNoIndex, kLongestConstructor);
      }
    }
  }
  std::ranges::sort(kept);
  return kept;
}

}  // namespace

/// Writes into memory that is as large as it can become at most, so that everything is made where it stays.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(const Module& module)
      : module_(module),
        names_(module.functions.size()),
        kept_(bodies_to_keep(module)),
        bytes_(read_names_and_measure(), uint8_t{0}) {}

  std::vector<uint8_t> write() {
    Header& header = take<Header>(1).front();
    header.magic = kMagic;
    header.version = kSnapshotVersion;
    header.flags = (module_.has_data_count ? kHasDataCount : 0U) | (module_.moves_references ? kMovesReferences : 0U) |
                   (module_.keeps_passive_data ? kKeepsPassiveData : 0U);
    header.imported_functions = module_.imported_functions;
    header.imported_tables = module_.imported_tables;
    header.imported_memories = module_.imported_memories;
    header.imported_globals = module_.imported_globals;
    header.imported_tags = module_.imported_tags;
    header.start = module_.start.value_or(kNoIndex);
    header.filter = copy(module_.export_index_.filter());
    header.slots = copy(module_.export_index_.slots());
    header.exports = exports();
    header.types = types();
    header.imports = imports();
    header.tables = tables();
    header.memories = memories();
    header.tags = copy(module_.tags.view());
    header.globals = globals();
    dylink(header.dylink);
    header.elements = elements();
    header.custom_sections = custom_sections();
    header.sections = copy(module_.sections.view());
    header.declared_functions = copy(module_.declared_functions.words());
    header.functions = copy(module_.functions.view());
    header.data = data();
    header.bodies = bodies();
    function_names(header);
    header.size = used_;
    if (file_shrank_) {
      return {};
    }
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  size_t read_names_and_measure() {
    module_.read_name_sections([&](uint32_t function, std::string_view text) {
      if (function < names_.size() && names_[function].empty()) {
        names_[function] = text;
      }
    });
    return largest_size();
  }

  /// No less than what write() takes.
  [[nodiscard]] size_t largest_size() const {
    size_t size = sizeof(Header) + (size_t{64} * kAlignment);
    const auto add = [&](size_t count, size_t bytes_each) { size += count * bytes_each + kAlignment; };
    const auto add_name = [&](const Name& name) { add(name.size(), 1); };
    const auto add_names = [&](const Array<Name>& names) {
      add(names.size(), sizeof(Name));
      std::ranges::for_each(names, add_name);
    };
    add(module_.export_index_.filter().size(), sizeof(uint64_t));
    add(module_.export_index_.slots().size(), sizeof(ExportIndex::Slot));
    for (const Export& entry : module_.exports) {
      add(1, sizeof(entry));
      add_name(entry.name);
    }
    for (const TypeReference& type : module_.types) {
      add(1, sizeof(TypeRecord));
      add(type->parameters.size(), 1);
      add(type->results.size(), 1);
    }
    for (const Import& entry : module_.imports) {
      add(1, sizeof(entry));
      add_name(entry.module);
      add_name(entry.name);
    }
    add(module_.tables.size(), sizeof(TableRecord));
    add(module_.memories.size(), sizeof(MemoryRecord));
    add(module_.tags.size(), sizeof(Tag));
    for (const Global& global : module_.globals) {
      add(1, sizeof(global));
      add(global.initial.size(), sizeof(ConstantInstruction));
    }
    if (const auto& dylink = module_.dylink) {
      add_names(dylink->needed);
      add_names(dylink->runtime_path);
      for (const DylinkExport& entry : dylink->export_flags) {
        add(1, sizeof(entry));
        add_name(entry.name);
      }
      for (const DylinkImport& entry : dylink->import_flags) {
        add(1, sizeof(entry));
        add_name(entry.module);
        add_name(entry.name);
      }
    }
    for (const ElementSegment& segment : module_.elements) {
      add(1, sizeof(segment));
      add(segment.offset.size(), sizeof(ConstantInstruction));
      add(segment.functions.size(), sizeof(uint32_t));
      for (const ConstantExpression& expression : segment.expressions) {
        add(1, sizeof(expression));
        add(expression.size(), sizeof(ConstantInstruction));
      }
    }
    for (const CustomSection& section : module_.custom_sections) {
      add(1, sizeof(section));
      add_name(section.name);
    }
    add(module_.sections.size(), sizeof(Section));
    add(module_.declared_functions.words().size(), sizeof(uint64_t));
    add(module_.functions.size(), sizeof(Function));
    for (const DataSegment& segment : module_.data) {
      add(1, sizeof(segment));
      add(segment.offset.size(), sizeof(ConstantInstruction));
      add(segment.size, 1);
    }
    for (const uint32_t function : kept_) {
      add(1, sizeof(KeptBody));
      add(module_.functions[function].body_size, 1);
    }
    add(names_.size() + 1, sizeof(uint32_t));
    for (const std::string& name : names_) {
      size += name.size();
    }
    return size;
  }

  /// Room for things that are made now.
  template <class T>
  std::span<T> take(size_t count) {
    if (count == 0) {
      return {};
    }
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* const place = reinterpret_cast<T*>(bytes_.data() + used_);
    used_ += count * sizeof(T);
    std::uninitialized_default_construct_n(place, count);
    return {place, count};
  }
  /// A copy of things that have nothing behind them.
  template <class T>
  std::span<const T> copy(std::span<const T> source) {
    static_assert(std::has_unique_object_representations_v<T>);
    const std::span<T> target = take<T>(source.size());
    std::ranges::copy(source, target.begin());
    return target;
  }
  Name name(const Name& source) {
    const std::span<const char> text = copy(std::span<const char>(source.view()));
    return Name(std::string_view(text.data(), text.size()));
  }
  std::span<const Name> names(const Array<Name>& source) {
    const std::span<Name> target = take<Name>(source.size());
    for (size_t i = 0; i < target.size(); ++i) {
      target[i] = name(source[i]);
    }
    return target;
  }
  /// Bytes of the module, and where they are in the snapshot.
  uint64_t bytes(base::Bytes source) {
    const std::span<uint8_t> target = take<uint8_t>(source.size());
    file_shrank_ |= !base::guarded_copy(target.data(), source);
    return static_cast<uint64_t>(target.data() - bytes_.data());
  }

  std::span<const Export> exports() {
    const std::span<Export> target = take<Export>(module_.exports.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const Export& source = module_.exports[i];
      target[i].name = name(source.name);
      target[i].kind = source.kind;
      target[i].index = source.index;
    }
    return target;
  }

  std::span<const TypeRecord> types() {
    const std::span<TypeRecord> target = take<TypeRecord>(module_.types.size());
    for (size_t i = 0; i < target.size(); ++i) {
      target[i].parameters = copy(std::span<const ValueType>(module_.types[i]->parameters));
      target[i].results = copy(std::span<const ValueType>(module_.types[i]->results));
    }
    return target;
  }

  std::span<const Import> imports() {
    const std::span<Import> target = take<Import>(module_.imports.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const Import& source = module_.imports[i];
      const bool same_module = i != 0 && source.module == module_.imports[i - 1].module;
      target[i].module = same_module ? target[i - 1].module : name(source.module);
      target[i].name = name(source.name);
      target[i].kind = source.kind;
      target[i].index = source.index;
    }
    return target;
  }

  std::span<const TableRecord> tables() {
    const std::span<TableRecord> target = take<TableRecord>(module_.tables.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const TableType& type = module_.tables[i].type;
      target[i] = {record_of(type.limits), static_cast<uint64_t>(type.element)};
    }
    return target;
  }

  std::span<const MemoryRecord> memories() {
    const std::span<MemoryRecord> target = take<MemoryRecord>(module_.memories.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const MemoryType& type = module_.memories[i].type;
      target[i] = {record_of(type.limits), type.shared ? 1U : 0U};
    }
    return target;
  }

  std::span<const Global> globals() {
    const std::span<Global> target = take<Global>(module_.globals.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const Global& source = module_.globals[i];
      target[i].type = source.type;
      target[i].is_written = source.is_written;
      target[i].initial = copy(source.initial.view());
    }
    return target;
  }

  void dylink(DylinkRecord& target) {
    if (!module_.dylink) {
      return;
    }
    const Dylink& source = *module_.dylink;
    target.is_there = 1;
    target.memory_size = source.memory_size;
    target.memory_alignment = source.memory_alignment;
    target.table_size = source.table_size;
    target.table_alignment = source.table_alignment;
    target.needed = names(source.needed);
    target.runtime_path = names(source.runtime_path);
    const std::span<DylinkExport> exported = take<DylinkExport>(source.export_flags.size());
    for (size_t i = 0; i < exported.size(); ++i) {
      exported[i].name = name(source.export_flags[i].name);
      exported[i].flags = source.export_flags[i].flags;
    }
    target.export_flags = std::span<const DylinkExport>(exported);
    const std::span<DylinkImport> imported = take<DylinkImport>(source.import_flags.size());
    for (size_t i = 0; i < imported.size(); ++i) {
      imported[i].module = name(source.import_flags[i].module);
      imported[i].name = name(source.import_flags[i].name);
      imported[i].flags = source.import_flags[i].flags;
    }
    target.import_flags = std::span<const DylinkImport>(imported);
  }

  std::span<const ElementSegment> elements() {
    const std::span<ElementSegment> target = take<ElementSegment>(module_.elements.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const ElementSegment& source = module_.elements[i];
      target[i].mode = source.mode;
      target[i].type = source.type;
      target[i].table = source.table;
      target[i].offset = copy(source.offset.view());
      target[i].functions = copy(source.functions.view());
      const std::span<ConstantExpression> expressions = take<ConstantExpression>(source.expressions.size());
      for (size_t n = 0; n < expressions.size(); ++n) {
        expressions[n] = copy(source.expressions[n].view());
      }
      target[i].expressions = std::span<const ConstantExpression>(expressions);
    }
    return target;
  }

  std::span<const CustomSection> custom_sections() {
    const std::span<CustomSection> target = take<CustomSection>(module_.custom_sections.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const CustomSection& source = module_.custom_sections[i];
      target[i].name = name(source.name);
      target[i].offset = source.offset;
      target[i].size = source.size;
    }
    return target;
  }

  std::span<const DataSegment> data() {
    const std::span<DataSegment> target = take<DataSegment>(module_.data.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const DataSegment& source = module_.data[i];
      target[i].mode = source.mode;
      target[i].memory = source.memory;
      target[i].offset = copy(source.offset.view());
      target[i].size = source.size;
      target[i].bytes_offset = static_cast<uint32_t>(bytes(module_.bytes().subspan(source.bytes_offset, source.size)));
    }
    return target;
  }

  std::span<const KeptBody> bodies() {
    const std::span<KeptBody> target = take<KeptBody>(kept_.size());
    for (size_t i = 0; i < target.size(); ++i) {
      const base::Bytes body = module_.body(kept_[i]).value_or(base::Bytes());
      target[i].function = kept_[i];
      target[i].size = static_cast<uint32_t>(body.size());
      target[i].offset = bytes(body);
    }
    return target;
  }

  void function_names(Header& header) {
    const std::span<uint32_t> starts = take<uint32_t>(names_.size() + 1);
    header.name_starts = std::span<const uint32_t>(starts);
    size_t size = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
      starts[i] = static_cast<uint32_t>(size);
      size += names_[i].size();
    }
    starts.back() = static_cast<uint32_t>(size);
    const std::span<char> text = take<char>(size);
    header.name_text = std::span<const char>(text);
    auto next = text.begin();
    for (const std::string& of_one : names_) {
      next = std::ranges::copy(of_one, next).out;
    }
  }

  const Module& module_;
  std::vector<std::string> names_;  ///< of functions, raw
  std::vector<uint32_t> kept_;      ///< functions
  std::vector<uint8_t> bytes_;
  size_t used_ = 0;
  bool file_shrank_ = false;
};

class SnapshotReader {
 public:
  SnapshotReader(base::FileBytes bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) {}

  Result<std::shared_ptr<const Module>> read() {
    const base::Bytes bytes = bytes_.view();
    if (bytes.size() < sizeof(Header) || reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) {
      return damaged();
    }
    const Header& header = *reinterpret_cast<const Header*>(bytes.data());
    if (header.magic != kMagic || header.size != bytes.size()) {
      return damaged();
    }
    if (header.version != kSnapshotVersion) {
      return fail(ErrorKind::malformed, "{} was compiled by another version of Tenon: compile it again", name_);
    }
    auto module = std::make_shared<Module>();
    view(header, *module);
    if (!is_whole_ || !is_consistent(header, *module)) {
      return damaged();
    }
    module->name = std::move(name_);
    module->bytes_ = std::move(bytes_);
    module->is_restored_ = true;
    return module;
  }

 private:
  [[nodiscard]] std::unexpected<Error> damaged() const {
    return fail(ErrorKind::malformed, "the compiled form of {} is damaged: compile it again", name_);
  }

  /// The table, when all of it is in the snapshot.
  template <class T>
  std::span<const T> checked(const FlatSpan<T>& table) {
    if (table.empty()) {
      return {};
    }
    const base::Bytes bytes = bytes_.view();
    const auto offset = reinterpret_cast<uintptr_t>(table.data()) - reinterpret_cast<uintptr_t>(bytes.data());
    if (offset % alignof(T) != 0 || offset > bytes.size() || table.size() > (bytes.size() - offset) / sizeof(T)) {
      is_whole_ = false;
      return {};
    }
    return table.view();
  }
  template <class T>
  void set(Array<T>& target, const FlatSpan<T>& table) {
    target = Array<T>(checked(table));
  }

  void view(const Header& header, Module& module) {
    set(module.exports, header.exports);
    module.export_index_ = ExportIndex(checked(header.filter), checked(header.slots));
    for (const TypeRecord& type : checked(header.types)) {
      module.types.push_back(intern(checked(type.parameters), checked(type.results)));
    }
    set(module.imports, header.imports);
    for (const TableRecord& table : checked(header.tables)) {
      module.tables.push_back({{static_cast<ValueType>(table.element), limits_of(table.limits)}});
    }
    for (const MemoryRecord& memory : checked(header.memories)) {
      module.memories.push_back({{limits_of(memory.limits), memory.shared != 0}});
    }
    set(module.tags, header.tags);
    set(module.globals, header.globals);
    set(module.functions, header.functions);
    set(module.elements, header.elements);
    set(module.data, header.data);
    set(module.custom_sections, header.custom_sections);
    set(module.sections, header.sections);
    module.declared_functions = FunctionSet(checked(header.declared_functions));
    module.bodies_ = checked(header.bodies);
    module.name_starts_ = checked(header.name_starts);
    const std::span<const char> text = checked(header.name_text);
    module.name_text_ = {text.data(), text.size()};
    module.imported_functions = header.imported_functions;
    module.imported_tables = header.imported_tables;
    module.imported_memories = header.imported_memories;
    module.imported_globals = header.imported_globals;
    module.imported_tags = header.imported_tags;
    if (header.start != kNoIndex) {
      module.start = header.start;
    }
    module.has_data_count = (header.flags & kHasDataCount) != 0;
    module.moves_references = (header.flags & kMovesReferences) != 0;
    module.keeps_passive_data = (header.flags & kKeepsPassiveData) != 0;
    if (header.dylink.is_there != 0) {
      Dylink& dylink = module.dylink.emplace();
      dylink.memory_size = header.dylink.memory_size;
      dylink.memory_alignment = header.dylink.memory_alignment;
      dylink.table_size = header.dylink.table_size;
      dylink.table_alignment = header.dylink.table_alignment;
      set(dylink.needed, header.dylink.needed);
      set(dylink.export_flags, header.dylink.export_flags);
      set(dylink.import_flags, header.dylink.import_flags);
      set(dylink.runtime_path, header.dylink.runtime_path);
    }
  }

  /// Whether numbers that are used without a check fit each other.
  static bool is_consistent(const Header& header, const Module& module) {
    return std::has_single_bit(std::max(header.filter.size(), size_t{1})) &&
           std::has_single_bit(std::max(header.slots.size(), size_t{1})) &&
           header.slots.empty() == header.filter.empty() && module.imported_functions <= module.functions.size() &&
           module.imported_tables <= module.tables.size() && module.imported_memories <= module.memories.size() &&
           module.imported_globals <= module.globals.size() && module.imported_tags <= module.tags.size() &&
           (!module.start || *module.start < module.functions.size());
  }

  base::FileBytes bytes_;
  std::string name_;
  bool is_whole_ = true;
};

std::vector<uint8_t> snapshot(const Module& module) {
  return SnapshotWriter(module).write();
}

Result<std::shared_ptr<const Module>> restore(base::FileBytes snapshot, std::string name) {
  return SnapshotReader(std::move(snapshot), std::move(name)).read();
}

}  // namespace tenon::wasm
