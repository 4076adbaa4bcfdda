// The binary format (specification, chapter 5) into a Module, with every check of chapter 3 that does not need a
// function body; those are in validate.cpp.
//
// The bytes may be a mapped file that someone else writes to or truncates at any moment. So nothing is decided on a
// byte that is read twice, and no code that owns memory reads the mapping: whatever is parsed is first copied out with
// base::guarded_copy, section by section, the code section in pieces of some functions and the data section in windows
// around the segments' headers (its contents stay where they are). The copies are small next to the work done on them;
// bytes that are not mapped are read where they are. One walk reads the mapping itself, over the sizes of the function
// bodies; it owns nothing and writes to an array made before it (measure_bodies).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "wasm/module.h"
#include "wasm/opcode.h"
#include "wasm/validate.h"

namespace tenon::wasm {

using base::Bytes;
using base::Reader;

namespace {

// What one module may have. Those of V8, so that whatever loads in a browser loads here.
constexpr size_t kMaximumModuleSize = size_t{1} << 30;
constexpr uint32_t kMaximumTypes = 1'000'000;
constexpr uint32_t kMaximumParameters = 1000;
constexpr uint32_t kMaximumResults = 1000;
constexpr uint32_t kMaximumImports = 1'000'000;
constexpr uint32_t kMaximumFunctions = 1'000'000;
constexpr uint32_t kMaximumTables = 100'000;
constexpr uint32_t kMaximumGlobals = 1'000'000;
constexpr uint32_t kMaximumTags = 1'000'000;
constexpr uint32_t kMaximumExports = 1'000'000;
constexpr uint32_t kMaximumElementSegments = 10'000'000;
constexpr uint32_t kMaximumElements = 10'000'000;  // in one segment
constexpr uint32_t kMaximumDataSegments = 100'000;
constexpr uint32_t kMaximumFunctionSize = 7'654'321;  // bytes of one body
constexpr size_t kMaximumNameSize = 100'000;          // bytes of an import's, export's or custom section's name
constexpr uint32_t kMaximumAlignment = 16;            // exponent of two, of what dylink.0 asks for

// How much of the code section is copied from a mapped file at a time: stays in the nearest caches, and is few fresh
// pages.
constexpr size_t kCodeWindow = size_t{32} << 10;
// How much of the data section is copied from a mapped file to read one segment's header, at first.
constexpr size_t kDataWindow = 256;
// The same for the name of a custom section.
constexpr size_t kCustomWindow = 64;

constexpr auto kMagic = std::to_array<uint8_t>({0x00, 'a', 's', 'm'});
constexpr auto kVersion = std::to_array<uint8_t>({0x01, 0x00, 0x00, 0x00});

constexpr uint8_t kCustomSection = 0;

// Parts of a file as memory that nobody else changes: the bytes themselves, or a copy when they are mapped.
class StableBytes {
 public:
  explicit StableBytes(const base::FileBytes& file) : file_(file) {}

  /// False when the file shrank meanwhile. The view is good until the next call.
  [[nodiscard]] bool fetch(size_t offset, size_t size, Bytes& view) {
    const Bytes source = file_.view().subspan(offset, size);
    if (!file_.is_mapped()) {
      view = source;
      return true;
    }
    reserve(size);
    view = Bytes(copy_.get(), size);
    return base::guarded_copy(copy_.get(), source);
  }

  /// Makes room for copies of up to `size` bytes: windows of slightly different sizes use the same memory.
  void reserve(size_t size) {
    if (capacity_ < size && file_.is_mapped()) {
      copy_ = std::make_unique_for_overwrite<uint8_t[]>(size);
      capacity_ = size;
    }
  }

 private:
  const base::FileBytes& file_;
  std::unique_ptr<uint8_t[]> copy_;
  size_t capacity_ = 0;
};

// Into the order that Dylink says. Of several flags for one name the last ones count.
void sort_export_flags(Array<DylinkExport>& flags) {
  if (flags.size() < 2) {
    return;
  }
  std::vector<uint32_t> order(flags.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t i) { return std::tuple(flags[i].name.hash(), flags[i].name.view(), i); });
  Array<DylinkExport> sorted;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + 1 == order.size() || flags[order[i]].name != flags[order[i + 1]].name) {
      sorted.push_back(flags[order[i]]);
    }
  }
  flags = std::move(sorted);
}

}  // namespace

class Decoder {
 public:
  Decoder(base::FileBytes bytes, std::string name) : module_(std::make_shared<Module>()) {
    module_->bytes_ = std::move(bytes);
    module_->name = std::move(name);
  }

  [[nodiscard]] Result<> sections();
  [[nodiscard]] Result<> bodies();
  [[nodiscard]] std::shared_ptr<const Module> take() { return std::move(module_); }

 private:
  struct SectionRow {
    uint8_t id;
    const char* name;
    Result<> (Decoder::*decode)(Reader&);
  };
  static const std::array<SectionRow, 13> kSections;

  // The sections' contents.
  [[nodiscard]] Result<> types(Reader& in);
  [[nodiscard]] Result<> imports(Reader& in);
  [[nodiscard]] Result<> functions(Reader& in);
  [[nodiscard]] Result<> tables(Reader& in);
  [[nodiscard]] Result<> memories(Reader& in);
  [[nodiscard]] Result<> tags(Reader& in);
  [[nodiscard]] Result<> globals(Reader& in);
  [[nodiscard]] Result<> exports(Reader& in);
  [[nodiscard]] Result<> start(Reader& in);
  [[nodiscard]] Result<> elements(Reader& in);
  [[nodiscard]] Result<> data_count(Reader& in);
  [[nodiscard]] Result<> custom(size_t offset, size_t size, bool is_first);
  [[nodiscard]] Result<> dylink(Reader& in);
  [[nodiscard]] Result<> dylink_subsection(uint8_t id, Reader& in);
  [[nodiscard]] Result<> measure_bodies(size_t offset, size_t size);
  [[nodiscard]] Result<> data(size_t offset, size_t size);

  // What they are made of.
  [[nodiscard]] Result<uint32_t> count(Reader& in, uint32_t already, uint32_t maximum, const char* what);
  [[nodiscard]] Result<> name(Reader& in, Name& result);
  [[nodiscard]] Result<ValueType> value_type(Reader& in);
  [[nodiscard]] Result<ValueType> reference_type(Reader& in);
  [[nodiscard]] Result<std::vector<ValueType>> value_types(Reader& in, uint32_t maximum, const char* what);
  [[nodiscard]] Result<uint32_t> type_index(Reader& in);
  [[nodiscard]] Result<> limits(Reader& in, Limits& result);
  [[nodiscard]] Result<TableType> table_type(Reader& in);
  [[nodiscard]] Result<MemoryType> memory_type(Reader& in);
  [[nodiscard]] Result<GlobalType> global_type(Reader& in);
  [[nodiscard]] Result<uint32_t> tag_type(Reader& in);
  [[nodiscard]] Result<> constant_expression(Reader& in, ValueType expected, ConstantExpression& result);
  [[nodiscard]] Result<> constant_instructions(Reader& in, ValueType expected);
  [[nodiscard]] Result<> element_segment(Reader& in, ElementSegment& segment);
  [[nodiscard]] Result<> data_segment(Reader& in, DataSegment& segment);
  [[nodiscard]] Result<> check_index(size_t at, ExternKind kind, uint32_t index);
  [[nodiscard]] size_t space(ExternKind kind) const;
  void declare(uint32_t function);

  // Failures. `at` is an offset in the file; the section is the one being decoded.
  template <class... Args>
  [[nodiscard, gnu::cold, gnu::noinline]] std::unexpected<Error> fail_at(ErrorKind kind, size_t at,
                                                                         fmt::format_string<Args...> format,
                                                                         Args&&... args) const {
    return fail(kind, "{}: {} at offset {:#x}: {}", module_->name, place_, at,
                fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[nodiscard]] std::unexpected<Error> malformed(size_t at, fmt::format_string<Args...> format, Args&&... args) const {
    return fail_at(ErrorKind::malformed, at, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  [[nodiscard]] std::unexpected<Error> invalid(size_t at, fmt::format_string<Args...> format, Args&&... args) const {
    return fail_at(ErrorKind::invalid, at, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  [[nodiscard]] std::unexpected<Error> over_limit(size_t at, fmt::format_string<Args...> format, Args&&... args) const {
    return fail_at(ErrorKind::limit, at, format, std::forward<Args>(args)...);
  }
  [[nodiscard]] std::unexpected<Error> unsupported(size_t at, const char* what, uint8_t byte,
                                                   const char* proposal) const {
    return fail_at(ErrorKind::unsupported, at,
                   "{} {:#04x} belongs to the {} proposal, which this build does not implement", what, byte, proposal);
  }
  [[nodiscard]] std::unexpected<Error> shrunk(size_t at) const {
    return fail_at(ErrorKind::io, at, "the file was truncated while it was being read");
  }
  /// The failure that `in` remembers, if it does.
  [[nodiscard]] Result<> checked(const Reader& in) const {
    if (!in.ok()) [[unlikely]] {
      const std::string_view words = in.message();
      return malformed(in.failed_at(), "{}",
                       words == "unexpected end" ? "unexpected end of section or function" : words);
    }
    return {};
  }

  std::shared_ptr<Module> module_;
  std::string place_ = "header";  // "import section", for messages
  // Kept for their memory.
  std::vector<ConstantInstruction> constant_;  // what constant_instructions has read
  std::vector<ValueType> constant_types_;      // its operand stack
  std::vector<uint32_t> element_functions_;    // of one segment
  std::vector<ConstantExpression> element_expressions_;
  uint32_t declared_data_segments_ = 0;
};

// In the order that the specification demands. Code and data are decoded by functions of their own, because their
// contents are not copied as a whole.
const std::array<Decoder::SectionRow, 13> Decoder::kSections = {{
    {1, "type", &Decoder::types},
    {2, "import", &Decoder::imports},
    {3, "function", &Decoder::functions},
    {4, "table", &Decoder::tables},
    {5, "memory", &Decoder::memories},
    {13, "tag", &Decoder::tags},
    {6, "global", &Decoder::globals},
    {7, "export", &Decoder::exports},
    {8, "start", &Decoder::start},
    {9, "element", &Decoder::elements},
    {12, "data count", &Decoder::data_count},
    {10, "code", nullptr},
    {11, "data", nullptr},
}};

Result<> Decoder::sections() {
  const base::FileBytes& file = module_->bytes_;
  const size_t file_size = file.view().size();
  StableBytes header_bytes(file);
  StableBytes section_bytes(file);
  Bytes view;

  if (file_size > kMaximumModuleSize) {
    return over_limit(0, "a module of {} bytes is larger than {}", file_size, kMaximumModuleSize);
  }
  if (!header_bytes.fetch(0, std::min(file_size, kMagic.size() + kVersion.size()), view)) {
    return shrunk(0);
  }
  if (view.size() < kMagic.size()) {
    return malformed(view.size(), "unexpected end: magic header not detected");
  }
  if (!std::ranges::equal(view.first(kMagic.size()), kMagic)) {
    return malformed(0, "magic header not detected: this is not a WebAssembly module");
  }
  if (view.size() < kMagic.size() + kVersion.size()) {
    return malformed(view.size(), "unexpected end: unknown binary version");
  }
  if (!std::ranges::equal(view.subspan(kMagic.size()), kVersion)) {
    return malformed(kMagic.size(), "unknown binary version: expected 01 00 00 00, found {:02x} {:02x} {:02x} {:02x}",
                     view[4], view[5], view[6], view[7]);
  }

  size_t position = kMagic.size() + kVersion.size();
  size_t next_rank = 0;  // in kSections
  bool seen_code = false;
  bool seen_data = false;
  while (position < file_size) {
    const size_t begin = position;
    place_ = "section header";
    constexpr size_t kLongestHeader = 6;  // id, size
    if (!header_bytes.fetch(begin, std::min(kLongestHeader, file_size - begin), view)) {
      return shrunk(begin);
    }
    Reader header(view, begin);
    const uint8_t id = header.u8();
    const auto* const known = std::ranges::find(kSections, id, &SectionRow::id);
    if (known == kSections.end() && id != kCustomSection) {
      return malformed(begin, "malformed section id {}", id);
    }
    const uint32_t size = header.u32();
    TENON_CHECK(checked(header));
    const size_t offset = header.position();
    if (size > file_size - offset) {
      return malformed(offset, "length out of bounds: unexpected end: the section's {} bytes are more than the {} left",
                       size, file_size - offset);
    }
    const bool is_first = module_->sections.empty();
    module_->sections.push_back({id, static_cast<uint32_t>(offset), size});
    position = offset + size;

    if (id == kCustomSection) {
      place_ = "custom section";
      TENON_CHECK(custom(offset, size, is_first));
      continue;
    }
    place_ = fmt::format("{} section", known->name);
    const auto rank = static_cast<size_t>(known - kSections.begin());
    if (rank < next_rank) {
      return malformed(begin, "unexpected content after last section: the {} section comes twice or too late",
                       known->name);
    }
    next_rank = rank + 1;
    if (known->decode == nullptr) {
      seen_code |= id == 10;
      seen_data |= id == 11;
      TENON_CHECK(id == 10 ? measure_bodies(offset, size) : data(offset, size));
      continue;
    }
    if (!section_bytes.fetch(offset, size, view)) {
      return shrunk(offset);
    }
    Reader content(view, offset);
    TENON_CHECK((this->*known->decode)(content));
    TENON_CHECK(checked(content));
    if (!content.at_end()) {
      return malformed(content.position(), "section size mismatch: {} bytes left over", content.remaining());
    }
  }

  place_ = "end of the module";
  const size_t defined_functions = module_->functions.size() - module_->imported_functions;
  if (!seen_code && defined_functions != 0) {
    return malformed(file_size, "function and code section have inconsistent lengths: {} functions and no code section",
                     defined_functions);
  }
  if (module_->has_data_count && !seen_data && declared_data_segments_ != 0) {
    return malformed(file_size,
                     "data count and data section have inconsistent lengths: {} segments and no data section",
                     declared_data_segments_);
  }
  return {};
}

Result<uint32_t> Decoder::count(Reader& in, uint32_t already, uint32_t maximum, const char* what) {
  const size_t at = in.position();
  const uint32_t value = in.u32();
  TENON_CHECK(checked(in));
  if (value > in.remaining()) {  // every entry has a byte at least
    return malformed(at, "unexpected end of section or function: length out of bounds: {} {} in {} bytes", value, what,
                     in.remaining());
  }
  if (value > maximum - already) {
    return over_limit(at, "{} {} are more than {}", uint64_t{value} + already, what, maximum);
  }
  return value;
}

Result<> Decoder::name(Reader& in, Name& result) {
  const size_t at = in.position();
  const std::string_view text = in.name();
  TENON_CHECK(checked(in));
  if (text.size() > kMaximumNameSize) {
    return over_limit(at, "a name of {} bytes is longer than {}", text.size(), kMaximumNameSize);
  }
  result = module_->keep_name(text);
  return {};
}

Result<ValueType> Decoder::value_type(Reader& in) {
  const size_t at = in.position();
  const uint8_t byte = in.u8();
  TENON_CHECK(checked(in));
  if (is_value_type(byte)) {
    return static_cast<ValueType>(byte);
  }
  if (const char* const proposal = proposal_of_type(byte)) {
    return unsupported(at, "type", byte, proposal);
  }
  return malformed(at, "malformed value type {:#04x}", byte);
}

Result<ValueType> Decoder::reference_type(Reader& in) {
  const size_t at = in.position();
  const uint8_t byte = in.u8();
  TENON_CHECK(checked(in));
  if (is_value_type(byte) && is_reference(static_cast<ValueType>(byte))) {
    return static_cast<ValueType>(byte);
  }
  if (const char* const proposal = proposal_of_type(byte)) {
    return unsupported(at, "type", byte, proposal);
  }
  return malformed(at, "malformed reference type {:#04x}", byte);
}

Result<std::vector<ValueType>> Decoder::value_types(Reader& in, uint32_t maximum, const char* what) {
  std::vector<ValueType> result(TENON_TRY(count(in, 0, maximum, what)));
  for (ValueType& type : result) {
    type = TENON_TRY(value_type(in));
  }
  return result;
}

Result<> Decoder::types(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, 0, kMaximumTypes, "types"));
  module_->types.reserve(entries);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t at = in.position();
    const uint8_t form = in.u8();
    TENON_CHECK(checked(in));
    if (form != 0x60) {
      if (const char* const proposal = proposal_of_type(form)) {
        return unsupported(at, "type form", form, proposal);
      }
      return malformed(at, "{}: type form {:#04x} in place of 0x60 (func)",
                       form >= 0x80 ? "integer representation too long" : "malformed type form", form);
    }
    FunctionType type;
    type.parameters = TENON_TRY(value_types(in, kMaximumParameters, "parameters"));
    type.results = TENON_TRY(value_types(in, kMaximumResults, "results"));
    module_->types.push_back(intern(std::move(type)));
  }
  return {};
}

Result<uint32_t> Decoder::type_index(Reader& in) {
  const size_t at = in.position();
  const uint32_t index = in.u32();
  TENON_CHECK(checked(in));
  if (index >= module_->types.size()) {
    return invalid(at, "unknown type {}: there are {}", index, module_->types.size());
  }
  return index;
}

Result<> Decoder::limits(Reader& in, Limits& result) {
  const size_t at = in.position();
  const bool has_maximum = (in.u8() & 1) != 0;  // the other bits are the caller's
  result.minimum = in.u32();
  if (has_maximum) {
    result.maximum = in.u32();
  }
  TENON_CHECK(checked(in));
  if (result.maximum && result.minimum > *result.maximum) {
    return invalid(at, "size minimum must not be greater than maximum: {} is greater than {}", result.minimum,
                   *result.maximum);
  }
  return {};
}

Result<TableType> Decoder::table_type(Reader& in) {
  if (in.peek() == 0x40) {
    return unsupported(in.position(), "table form", 0x40, "typed function references");
  }
  TableType type;
  type.element = TENON_TRY(reference_type(in));
  const uint8_t flags = in.peek();
  if (flags >= 0x80) {
    return malformed(in.position(), "integer representation too long: table limits flags {:#04x}", flags);
  }
  if ((flags & ~5U) == 0 && (flags & 4) != 0) {
    return unsupported(in.position(), "table limits flags", flags, "memory64");
  }
  if (flags > 1) {
    return malformed(in.position(), "integer too large: table limits flags {:#04x}", flags);
  }
  TENON_CHECK(limits(in, type.limits));
  return type;
}

Result<MemoryType> Decoder::memory_type(Reader& in) {
  constexpr uint8_t kShared = 2;
  constexpr uint8_t kMemory64 = 4;
  MemoryType type;
  const size_t at = in.position();
  const uint8_t flags = in.peek();
  if (flags >= 0x80) {
    return malformed(at, "integer representation too long: memory limits flags {:#04x}", flags);
  }
  if (flags > (1 | kShared | kMemory64)) {
    return malformed(at, "integer too large: memory limits flags {:#04x}", flags);
  }
  if ((flags & kMemory64) != 0) {
    return unsupported(at, "memory limits flags", flags, "memory64");
  }
  if (flags == kShared) {  // no number of the format; what the threads proposal's suite calls invalid
    return malformed(at, "integer too large: memory limits flags {:#04x}: shared memory must have maximum", flags);
  }
  TENON_CHECK(limits(in, type.limits));
  type.shared = (flags & kShared) != 0;
  if (const uint64_t largest = type.limits.maximum.value_or(type.limits.minimum); largest > kMaximumPages32) {
    return invalid(at, "memory size must be at most 65536 pages (4GiB): found {}", largest);
  }
  return type;
}

Result<GlobalType> Decoder::global_type(Reader& in) {
  GlobalType type;
  type.type = TENON_TRY(value_type(in));
  const size_t at = in.position();
  const uint8_t mutability = in.u8();
  TENON_CHECK(checked(in));
  if (mutability > 1) {
    return malformed(at, "malformed mutability {:#04x}", mutability);
  }
  type.is_mutable = mutability != 0;
  return type;
}

Result<uint32_t> Decoder::tag_type(Reader& in) {
  const size_t at = in.position();
  const uint8_t attribute = in.u8();
  TENON_CHECK(checked(in));
  if (attribute != 0) {
    return malformed(at, "malformed tag attribute {:#04x}", attribute);
  }
  const uint32_t type = TENON_TRY(type_index(in));
  if (!module_->types[type]->results.empty()) {
    return invalid(at, "non-empty tag result type: a tag of type {}", to_string(*module_->types[type]));
  }
  return type;
}

Result<> Decoder::imports(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, 0, kMaximumImports, "imports"));
  module_->imports.reserve(entries);
  for (uint32_t i = 0; i < entries; ++i) {
    Import& entry = module_->imports.emplace_back();
    TENON_CHECK(name(in, entry.module));
    TENON_CHECK(name(in, entry.name));
    const size_t at = in.position();
    const uint8_t kind = in.u8();
    TENON_CHECK(checked(in));
    if (kind > static_cast<uint8_t>(ExternKind::tag)) {
      return malformed(at, "malformed import kind {:#04x}", kind);
    }
    entry.kind = static_cast<ExternKind>(kind);
    entry.index = static_cast<uint32_t>(space(entry.kind));
    switch (entry.kind) {
      case ExternKind::function:
        module_->functions.push_back({.type = TENON_TRY(type_index(in))});
        ++module_->imported_functions;
        break;
      case ExternKind::table:
        if (module_->tables.size() == kMaximumTables) {
          return over_limit(at, "more tables than {}", kMaximumTables);
        }
        module_->tables.push_back({TENON_TRY(table_type(in))});
        ++module_->imported_tables;
        break;
      case ExternKind::memory:
        if (!module_->memories.empty()) {
          return invalid(at, "multiple memories: the multi-memory proposal is not implemented by this build");
        }
        module_->memories.push_back({TENON_TRY(memory_type(in))});
        ++module_->imported_memories;
        break;
      case ExternKind::global:
        module_->globals.push_back({TENON_TRY(global_type(in)), {}});
        ++module_->imported_globals;
        break;
      case ExternKind::tag:
        module_->tags.push_back({TENON_TRY(tag_type(in))});
        ++module_->imported_tags;
        break;
    }
  }
  return {};
}

Result<> Decoder::functions(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, module_->imported_functions, kMaximumFunctions, "functions"));
  module_->functions.reserve(module_->functions.size() + entries);
  for (uint32_t i = 0; i < entries; ++i) {
    module_->functions.push_back({.type = TENON_TRY(type_index(in))});
  }
  return {};
}

Result<> Decoder::tables(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, module_->imported_tables, kMaximumTables, "tables"));
  module_->tables.reserve(module_->tables.size() + entries);
  for (uint32_t i = 0; i < entries; ++i) {
    module_->tables.push_back({TENON_TRY(table_type(in))});
  }
  return {};
}

Result<> Decoder::memories(Reader& in) {
  const size_t at = in.position();
  const uint32_t entries = TENON_TRY(count(in, 0, UINT32_MAX, "memories"));
  for (uint32_t i = 0; i < entries; ++i) {
    module_->memories.push_back({TENON_TRY(memory_type(in))});
    if (module_->memories.size() > 1) {
      return invalid(at, "multiple memories: the multi-memory proposal is not implemented by this build");
    }
  }
  return {};
}

Result<> Decoder::tags(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, module_->imported_tags, kMaximumTags, "tags"));
  module_->tags.reserve(module_->tags.size() + entries);
  for (uint32_t i = 0; i < entries; ++i) {
    module_->tags.push_back({TENON_TRY(tag_type(in))});
  }
  return {};
}

Result<> Decoder::globals(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, module_->imported_globals, kMaximumGlobals, "globals"));
  module_->globals.reserve(module_->globals.size() + entries);
  for (uint32_t i = 0; i < entries; ++i) {
    Global global{TENON_TRY(global_type(in)), {}};
    TENON_CHECK(constant_expression(in, global.type.type, global.initial));
    module_->globals.push_back(global);
  }
  return {};
}

// Validated on the way, with a stack of types (specification 3.3.10). Only imported globals are in its context: that is
// the rule of WebAssembly 2.0, whose suite refuses globals of the module itself by "unknown global".
Result<> Decoder::constant_instructions(Reader& in, ValueType expected) {
  std::vector<ConstantInstruction>& result = constant_;
  result.clear();
  std::vector<ValueType>& stack = constant_types_;
  stack.clear();
  const auto push = [&](uint8_t opcode, uint64_t immediate, ValueType type) {
    result.push_back({opcode, immediate});
    stack.push_back(type);
  };
  const size_t begin = in.position();
  while (true) {
    const size_t at = in.position();
    const uint8_t opcode = in.u8();
    TENON_CHECK(checked(in));
    switch (opcode) {
      case row(Opcode::i32_const).code:
        push(opcode, static_cast<uint32_t>(in.s32()), ValueType::i32);
        break;
      case row(Opcode::i64_const).code:
        push(opcode, static_cast<uint64_t>(in.s64()), ValueType::i64);
        break;
      case row(Opcode::f32_const).code:
        push(opcode, in.u32_fixed(), ValueType::f32);
        break;
      case row(Opcode::f64_const).code:
        push(opcode, in.u64_fixed(), ValueType::f64);
        break;
      case kVectorPrefix: {
        const uint32_t code = in.u32();
        TENON_CHECK(checked(in));
        if (code != row(Opcode::v128_const).code) {
          return invalid(at, "constant expression required: found a prefixed instruction");
        }
        push(opcode, in.u64_fixed(), ValueType::v128);
        result.push_back({opcode, in.u64_fixed()});
        break;
      }
      case row(Opcode::ref_null).code: {
        const ValueType type = TENON_TRY(reference_type(in));
        push(opcode, static_cast<uint64_t>(type), type);
        break;
      }
      case row(Opcode::ref_func).code: {
        const uint32_t index = in.u32();
        TENON_CHECK(checked(in));
        TENON_CHECK(check_index(at, ExternKind::function, index));
        declare(index);
        push(opcode, index, ValueType::funcref);
        break;
      }
      case row(Opcode::global_get).code: {
        const uint32_t index = in.u32();
        TENON_CHECK(checked(in));
        if (index >= module_->imported_globals) {
          return invalid(at, "unknown global {}: a constant expression may use the {} imported ones only", index,
                         module_->imported_globals);
        }
        if (module_->globals[index].type.is_mutable) {
          return invalid(at, "constant expression required: global {} is mutable", index);
        }
        push(opcode, index, module_->globals[index].type.type);
        break;
      }
      case row(Opcode::i32_add).code:
      case row(Opcode::i32_sub).code:
      case row(Opcode::i32_mul).code:
      case row(Opcode::i64_add).code:
      case row(Opcode::i64_sub).code:
      case row(Opcode::i64_mul).code: {
        const auto type = opcode <= row(Opcode::i32_mul).code ? ValueType::i32 : ValueType::i64;
        if (stack.size() < 2 || stack.back() != type || stack[stack.size() - 2] != type) {
          return invalid(at, "type mismatch: {} needs two operands of type {}",
                         std::ranges::find(kOpcodes, opcode, &OpcodeRow::code)->name, to_string(type));
        }
        stack.pop_back();
        result.push_back({opcode, 0});
        break;
      }
      case row(Opcode::end).code:
        if (stack.size() != 1) {
          return invalid(begin, "type mismatch: a constant expression of {} values in place of one {}", stack.size(),
                         to_string(expected));
        }
        if (stack.back() != expected) {
          return invalid(begin, "type mismatch: expected [{}], found [{}]", to_string(expected),
                         to_string(stack.back()));
        }
        return {};
      default:
        if (const char* const proposal = proposal_of_opcode(opcode)) {
          return unsupported(at, "opcode", opcode, proposal);
        }
        for (const OpcodeRow& known : kOpcodes) {
          if (known.prefix == 0 ? known.code == opcode : known.prefix == opcode) {
            return invalid(at, "constant expression required: found {}",
                           known.prefix == 0 ? known.name : std::string_view("a prefixed instruction"));
          }
        }
        return malformed(at, "illegal opcode {:#04x}", opcode);
    }
  }
}

Result<> Decoder::constant_expression(Reader& in, ValueType expected, ConstantExpression& result) {
  TENON_CHECK(constant_instructions(in, expected));
  result = module_->keep(std::span<const ConstantInstruction>(constant_));
  return {};
}

size_t Decoder::space(ExternKind kind) const {
  switch (kind) {
    case ExternKind::function:
      return module_->functions.size();
    case ExternKind::table:
      return module_->tables.size();
    case ExternKind::memory:
      return module_->memories.size();
    case ExternKind::global:
      return module_->globals.size();
    case ExternKind::tag:
      return module_->tags.size();
  }
  return 0;
}

Result<> Decoder::check_index(size_t at, ExternKind kind, uint32_t index) {
  if (index >= space(kind)) {
    return invalid(at, "unknown {} {}: there are {}", to_string(kind), index, space(kind));
  }
  return {};
}

void Decoder::declare(uint32_t function) {
  module_->declared_functions.insert(function);
}

Result<> Decoder::exports(Reader& in) {
  const size_t begin = in.position();
  const uint32_t entries = TENON_TRY(count(in, 0, kMaximumExports, "exports"));
  module_->exports.reserve(entries);
  for (uint32_t i = 0; i < entries; ++i) {
    Export& entry = module_->exports.emplace_back();
    TENON_CHECK(name(in, entry.name));
    const size_t at = in.position();
    const uint8_t kind = in.u8();
    entry.index = in.u32();
    TENON_CHECK(checked(in));
    if (kind > static_cast<uint8_t>(ExternKind::tag)) {
      return malformed(at, "malformed export kind {:#04x}", kind);
    }
    entry.kind = static_cast<ExternKind>(kind);
    TENON_CHECK(check_index(at, entry.kind, entry.index));
    if (entry.kind == ExternKind::function) {
      declare(entry.index);
    }
  }
  if (!module_->index_exports()) {
    for (const Export& entry : module_->exports) {  // the second of two is not in the index
      if (module_->find_export(entry.name) != &entry) {
        return invalid(begin, "duplicate export name {:?}", entry.name);
      }
    }
  }
  return {};
}

Result<> Decoder::start(Reader& in) {
  const size_t at = in.position();
  const uint32_t function = in.u32();
  TENON_CHECK(checked(in));
  TENON_CHECK(check_index(at, ExternKind::function, function));
  const FunctionType& type = module_->function_type(function);
  if (!type.parameters.empty() || !type.results.empty()) {
    return invalid(at, "start function {} must be of type () -> (): found {}", function, to_string(type));
  }
  module_->start = function;
  return {};
}

Result<> Decoder::elements(Reader& in) {
  const uint32_t entries = TENON_TRY(count(in, 0, kMaximumElementSegments, "element segments"));
  for (uint32_t i = 0; i < entries; ++i) {
    ElementSegment segment{};
    TENON_CHECK(element_segment(in, segment));
    module_->elements.push_back(segment);
  }
  return {};
}

Result<> Decoder::element_segment(Reader& in, ElementSegment& segment) {
  // The bits of a segment's first number (specification 5.5.12).
  constexpr uint32_t kNotActive = 1;
  constexpr uint32_t kExplicit = 2;  // the table of an active segment; declarative when it is not active
  constexpr uint32_t kExpressions = 4;
  const size_t begin = in.position();
  const uint32_t flags = in.u32();
  TENON_CHECK(checked(in));
  if (flags > (kNotActive | kExplicit | kExpressions)) {
    return malformed(begin, "malformed elements segment kind {}", flags);
  }
  const bool has_type = (flags & (kNotActive | kExplicit)) != 0;
  segment.type = ValueType::funcref;
  if ((flags & kNotActive) == 0) {
    segment.mode = SegmentMode::active;
    segment.table = (flags & kExplicit) != 0 ? in.u32() : 0;
    TENON_CHECK(checked(in));
    TENON_CHECK(check_index(begin, ExternKind::table, segment.table));
    TENON_CHECK(constant_expression(in, ValueType::i32, segment.offset));
  } else {
    segment.mode = (flags & kExplicit) != 0 ? SegmentMode::declarative : SegmentMode::passive;
  }
  if (has_type && (flags & kExpressions) != 0) {
    segment.type = TENON_TRY(reference_type(in));
  } else if (has_type) {
    const size_t at = in.position();
    const uint8_t kind = in.u8();
    TENON_CHECK(checked(in));
    if (kind != 0) {
      return malformed(at, "malformed element kind {:#04x}", kind);
    }
  }
  if (segment.mode == SegmentMode::active && module_->tables[segment.table].type.element != segment.type) {
    return invalid(begin, "type mismatch: a segment of {} for table {} of {}", to_string(segment.type), segment.table,
                   to_string(module_->tables[segment.table].type.element));
  }
  const uint32_t entries = TENON_TRY(count(in, 0, kMaximumElements, "elements in one segment"));
  std::vector<uint32_t>& functions = element_functions_;
  functions.clear();
  functions.reserve(entries);
  if ((flags & kExpressions) == 0) {
    for (uint32_t i = 0; i < entries; ++i) {
      const size_t at = in.position();
      const uint32_t function = in.u32();
      TENON_CHECK(checked(in));
      TENON_CHECK(check_index(at, ExternKind::function, function));
      declare(function);
      functions.push_back(function);
    }
    segment.functions = module_->keep(std::span<const uint32_t>(functions));
    return {};
  }
  std::vector<ConstantExpression>& expressions = element_expressions_;
  expressions.clear();
  const auto keep_expression = [&](std::span<const ConstantInstruction> instructions) {
    expressions.emplace_back(module_->keep(instructions));
  };
  for (uint32_t i = 0; i < entries; ++i) {
    TENON_CHECK(constant_instructions(in, segment.type));
    const ConstantInstruction& first = constant_.front();
    const bool is_function = first.opcode == row(Opcode::ref_func).code;
    const bool is_null = first.opcode == row(Opcode::ref_null).code;
    if (expressions.empty() && (is_function || is_null)) {
      functions.push_back(is_function ? static_cast<uint32_t>(first.immediate) : kNoIndex);
      continue;
    }
    if (expressions.empty()) {  // the first that needs an expression: so do those before it
      expressions.reserve(entries);
      for (const uint32_t function : functions) {
        const ConstantInstruction instruction =
            function == kNoIndex ? ConstantInstruction{row(Opcode::ref_null).code, static_cast<uint64_t>(segment.type)}
                                 : ConstantInstruction{row(Opcode::ref_func).code, function};
        keep_expression(std::span(&instruction, 1));
      }
      functions.clear();
    }
    keep_expression(constant_);
  }
  segment.functions = module_->keep(std::span<const uint32_t>(functions));
  segment.expressions = module_->keep(std::span<const ConstantExpression>(expressions));
  return {};
}

Result<> Decoder::data_count(Reader& in) {
  const size_t at = in.position();
  declared_data_segments_ = in.u32();
  TENON_CHECK(checked(in));
  if (declared_data_segments_ > kMaximumDataSegments) {
    return over_limit(at, "{} data segments are more than {}", declared_data_segments_, kMaximumDataSegments);
  }
  module_->has_data_count = true;
  return {};
}

// Finds where each function's body is. Reads the mapping itself: the walk owns nothing, reads no byte twice, and what
// it writes to was made before it.
Result<> Decoder::measure_bodies(size_t offset, size_t size) {
  enum class Problem : uint8_t { none, count, size };
  struct Walk {
    Reader in;
    std::span<Function> defined;
    uint32_t count = 0;
    Problem problem = Problem::none;
    size_t at = 0;
  } walk{.in = Reader(module_->bytes().subspan(offset, size), offset),
         .defined = module_->functions.own().subspan(module_->imported_functions)};
  const bool survived = base::guarded_call(
      [](void* context) {
        Walk& walk = *static_cast<Walk*>(context);
        walk.count = walk.in.u32();
        if (walk.in.ok() && walk.count != walk.defined.size()) {
          walk.problem = Problem::count;
          return;
        }
        for (Function& function : walk.defined) {
          walk.at = walk.in.position();
          function.body_size = walk.in.u32();
          function.body_offset = static_cast<uint32_t>(walk.in.position());
          if (function.body_size > kMaximumFunctionSize && function.body_size <= walk.in.remaining()) {
            walk.problem = Problem::size;
            return;
          }
          walk.in.skip(function.body_size);
          if (!walk.in.ok()) {
            return;
          }
        }
      },
      &walk);
  if (!survived) {
    return shrunk(offset);
  }
  TENON_CHECK(checked(walk.in));
  switch (walk.problem) {
    case Problem::none:
      break;
    case Problem::count:
      return malformed(offset, "function and code section have inconsistent lengths: {} functions, {} bodies",
                       walk.defined.size(), walk.count);
    case Problem::size:
      return over_limit(walk.at, "a function body is larger than {} bytes", kMaximumFunctionSize);
  }
  if (!walk.in.at_end()) {
    return malformed(walk.in.position(), "section size mismatch: {} bytes left over", walk.in.remaining());
  }
  return {};
}

Result<> Decoder::bodies() {
  StableBytes window(module_->bytes_);
  BodyFacts facts;
  facts.written_globals.resize(module_->globals.size());
  facts.copied_data.resize(module_->data.size());
  facts.dropped_data.resize(module_->data.size());
  const auto end = static_cast<uint32_t>(module_->functions.size());
  window.reserve(std::min(kCodeWindow, module_->bytes().size()));
  for (uint32_t first = module_->imported_functions; first < end;) {
    // Bodies stand in the file in the order of their functions.
    const size_t begin = module_->functions[first].body_offset;
    const auto end_of = [&](uint32_t function) {
      return size_t{module_->functions[function].body_offset} + module_->functions[function].body_size;
    };
    uint32_t last = first;
    while (last + 1 < end && end_of(last + 1) - begin <= kCodeWindow) {
      ++last;
    }
    Bytes view;
    if (!window.fetch(begin, end_of(last) - begin, view)) {
      place_ = "code section";
      return shrunk(begin);
    }
    for (; first <= last; ++first) {
      const Function& function = module_->functions[first];
      TENON_CHECK(
          validate_function(*module_, first, view.subspan(function.body_offset - begin, function.body_size), &facts));
    }
  }
  for (size_t n = 0; n < module_->globals.size(); ++n) {
    module_->globals.own()[n].is_written = facts.written_globals[n];
    facts.moves_references |= module_->globals[n].type.type == ValueType::funcref;
  }
  module_->moves_references = facts.moves_references;
  for (size_t n = 0; n < module_->data.size(); ++n) {
    module_->keeps_passive_data |=
        module_->data[n].mode == SegmentMode::passive && facts.copied_data[n] && !facts.dropped_data[n];
  }
  return {};
}

// Reads the segments' headers. Each is looked for in a small window first, which grows until it holds the header: of a
// large data section, only the pages that have a header are read.
Result<> Decoder::data(size_t offset, size_t size) {
  StableBytes window(module_->bytes_);
  const bool is_mapped = module_->bytes_.is_mapped();
  const size_t end = offset + size;
  Bytes view;
  if (!window.fetch(offset, std::min(size, kDataWindow), view)) {
    return shrunk(offset);
  }
  Reader in(view, offset);
  const uint32_t segments = in.u32();
  TENON_CHECK(checked(in));
  if (module_->has_data_count && segments != declared_data_segments_) {
    return malformed(offset, "data count and data section have inconsistent lengths: {} and {}",
                     declared_data_segments_, segments);
  }
  if (segments > size) {
    return malformed(offset,
                     "unexpected end of section or function: length out of bounds: {} data segments in {} bytes",
                     segments, size);
  }
  if (segments > kMaximumDataSegments) {
    return over_limit(offset, "{} data segments are more than {}", segments, kMaximumDataSegments);
  }
  size_t position = in.position();
  for (uint32_t i = 0; i < segments; ++i) {
    DataSegment segment{};
    for (size_t width = kDataWindow;; width *= 2) {
      const size_t left = end - position;
      const bool is_all = !is_mapped || width >= left;
      if (!window.fetch(position, is_all ? left : width, view)) {
        return shrunk(position);
      }
      Reader header(view, position);
      Result<> decoded = data_segment(header, segment);
      if (!header.ok() && !is_all) {
        continue;  // perhaps because the window ended
      }
      TENON_CHECK(std::move(decoded));
      position = header.position();
      break;
    }
    if (segment.size > end - position) {
      return malformed(position,
                       "unexpected end of section or function: length out of bounds: data segment {} has {} bytes, {} "
                       "are left",
                       i, segment.size, end - position);
    }
    segment.bytes_offset = static_cast<uint32_t>(position);
    position += segment.size;
    module_->data.push_back(segment);
  }
  if (position != end) {
    return malformed(position, "section size mismatch: {} bytes left over", end - position);
  }
  return {};
}

// A segment up to its bytes.
Result<> Decoder::data_segment(Reader& in, DataSegment& segment) {
  const size_t at = in.position();
  const uint32_t kind = in.u32();
  TENON_CHECK(checked(in));
  if (kind > 2) {
    return malformed(at, "malformed data segment kind {}", kind);
  }
  segment.mode = kind == 1 ? SegmentMode::passive : SegmentMode::active;
  segment.memory = kind == 2 ? in.u32() : 0;
  TENON_CHECK(checked(in));
  if (segment.mode == SegmentMode::active) {
    TENON_CHECK(check_index(at, ExternKind::memory, segment.memory));
    TENON_CHECK(constant_expression(in, ValueType::i32, segment.offset));
  }
  segment.size = in.u32();
  return checked(in);
}

Result<> Decoder::custom(size_t offset, size_t size, bool is_first) {
  StableBytes bytes(module_->bytes_);
  Bytes view;
  if (!bytes.fetch(offset, std::min(size, kCustomWindow), view)) {
    return shrunk(offset);
  }
  if (Reader probe(view, offset); (probe.skip(probe.u32()), !probe.ok()) && size > kCustomWindow) {  // a long name
    if (!bytes.fetch(offset, size, view)) {
      return shrunk(offset);
    }
  }
  Reader in(view, offset);
  CustomSection section{};
  TENON_CHECK(name(in, section.name));
  section.offset = static_cast<uint32_t>(in.position());
  section.size = static_cast<uint32_t>(offset + size - section.offset);
  if (section.name == "dylink.0") {
    place_ = "dylink.0 section";
    if (!is_first) {
      return malformed(offset, "dylink.0 must be the first section of the module, and there may be only one");
    }
    if (!bytes.fetch(section.offset, section.size, view)) {
      return shrunk(offset);
    }
    Reader content(view, section.offset);
    TENON_CHECK(dylink(content));
  }
  module_->custom_sections.push_back(section);
  return {};
}

Result<> Decoder::dylink(Reader& in) {
  module_->dylink.emplace();
  while (!in.at_end()) {
    const uint8_t id = in.u8();
    const uint32_t size = in.u32();
    const size_t begin = in.position();
    Reader content(in.bytes(size), begin);
    TENON_CHECK(checked(in));
    TENON_CHECK(dylink_subsection(id, content));
  }
  sort_export_flags(module_->dylink->export_flags);
  return {};
}

// tool-conventions, DynamicLinking.md. Subsections of other numbers are skipped, as it demands.
Result<> Decoder::dylink_subsection(uint8_t id, Reader& in) {
  Dylink& dylink = *module_->dylink;
  const size_t begin = in.position();
  switch (id) {
    case 1:  // WASM_DYLINK_MEM_INFO
      dylink.memory_size = in.u32();
      dylink.memory_alignment = in.u32();
      dylink.table_size = in.u32();
      dylink.table_alignment = in.u32();
      if (const uint32_t alignment = std::max(dylink.memory_alignment, dylink.table_alignment);
          alignment > kMaximumAlignment) {
        return over_limit(begin, "an alignment of 2^{} is larger than 2^{}", alignment, kMaximumAlignment);
      }
      break;
    case 2:    // WASM_DYLINK_NEEDED
    case 5: {  // WASM_DYLINK_RUNTIME_PATH
      const uint32_t entries = TENON_TRY(count(in, 0, UINT32_MAX, "names"));
      auto& names = id == 2 ? dylink.needed : dylink.runtime_path;
      for (uint32_t i = 0; i < entries; ++i) {
        TENON_CHECK(name(in, names.emplace_back()));
      }
      break;
    }
    case 3: {  // WASM_DYLINK_EXPORT_INFO
      const uint32_t entries = TENON_TRY(count(in, 0, UINT32_MAX, "exports"));
      for (uint32_t i = 0; i < entries; ++i) {
        DylinkExport& entry = dylink.export_flags.emplace_back();
        TENON_CHECK(name(in, entry.name));
        entry.flags = in.u32();
      }
      break;
    }
    case 4: {  // WASM_DYLINK_IMPORT_INFO
      const uint32_t entries = TENON_TRY(count(in, 0, UINT32_MAX, "imports"));
      for (uint32_t i = 0; i < entries; ++i) {
        DylinkImport& entry = dylink.import_flags.emplace_back();
        TENON_CHECK(name(in, entry.module));
        TENON_CHECK(name(in, entry.name));
        entry.flags = in.u32();
      }
      break;
    }
    default:
      return {};
  }
  TENON_CHECK(checked(in));
  if (!in.at_end()) {
    return malformed(in.position(), "section size mismatch: {} bytes left over in subsection {}", in.remaining(), id);
  }
  return {};
}

Result<std::shared_ptr<const Module>> decode(base::FileBytes bytes, std::string name) {
  Decoder decoder(std::move(bytes), std::move(name));
  TENON_CHECK(decoder.sections());
  return decoder.take();
}

Result<std::shared_ptr<const Module>> decode_and_validate(base::FileBytes bytes, std::string name) {
  Decoder decoder(std::move(bytes), std::move(name));
  TENON_CHECK(decoder.sections());
  TENON_CHECK(decoder.bodies());
  return decoder.take();
}

}  // namespace tenon::wasm
