// Modules by hand, for tests of the binary format: bytes are spelled out where they matter and made where they do not.
// Every section's entries are kept as bytes, so a test can put anything at all in the place of one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string_view>
#include <vector>

#include "wasm/module.h"
#include "wasm/opcode.h"

namespace tenon::wasm::testing {

using ByteVector = std::vector<uint8_t>;

inline ByteVector unsigned_leb(uint64_t value) {
  ByteVector bytes;
  do {
    bytes.push_back(static_cast<uint8_t>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
    value >>= 7;
  } while (value != 0);
  return bytes;
}

inline ByteVector signed_leb(int64_t value) {
  ByteVector bytes;
  while (value < -64 || value > 63) {
    bytes.push_back(static_cast<uint8_t>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<uint8_t>(value & 0x7f));
  return bytes;
}

inline void append(ByteVector& to, const ByteVector& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
inline void append(ByteVector& to, int byte) {
  to.push_back(static_cast<uint8_t>(byte));
}
inline void append(ByteVector& to, ValueType type) {
  to.push_back(static_cast<uint8_t>(type));
}
inline void append(ByteVector& to, Opcode opcode) {
  const OpcodeRow& found = row(opcode);
  if (found.prefix == 0) {
    append(to, static_cast<int>(found.code));
  } else {
    append(to, found.prefix);
    append(to, unsigned_leb(found.code));
  }
}
/// A name: length and characters.
inline void append(ByteVector& to, const char* name) {
  const std::string_view text(name);
  append(to, unsigned_leb(text.size()));
  to.insert(to.end(), text.begin(), text.end());
}

/// Bytes, types, opcodes, names and byte vectors, one after the other.
template <class... Parts>
ByteVector bytes(const Parts&... parts) {
  ByteVector result;
  (append(result, parts), ...);
  return result;
}

/// `count` times the same.
inline ByteVector repeat(size_t count, const ByteVector& part) {
  ByteVector result;
  result.reserve(count * part.size());
  for (size_t i = 0; i < count; ++i) {
    append(result, part);
  }
  return result;
}

/// What stands behind its own length.
inline ByteVector sized(const ByteVector& content) {
  return bytes(unsigned_leb(content.size()), content);
}

enum SectionId : uint8_t {
  kCustom = 0,
  kType = 1,
  kImport = 2,
  kFunction = 3,
  kTable = 4,
  kMemory = 5,
  kGlobal = 6,
  kExport = 7,
  kStart = 8,
  kElement = 9,
  kCode = 10,
  kData = 11,
  kDataCount = 12,
  kTag = 13,
};

inline ByteVector section(uint8_t id, const ByteVector& content) {
  return bytes(id, sized(content));
}
inline ByteVector custom_section(const char* name, const ByteVector& content) {
  return section(kCustom, bytes(name, content));
}
inline ByteVector header() {
  return {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
}

/// Collects entries; build() writes the sections that have any, in the order of the specification.
class ModuleBuilder {
 public:
  uint32_t type(const std::vector<ValueType>& parameters, const std::vector<ValueType>& results) {
    ByteVector entry = bytes(0x60, unsigned_leb(parameters.size()));
    std::ranges::for_each(parameters, [&](ValueType type) { append(entry, type); });
    append(entry, unsigned_leb(results.size()));
    std::ranges::for_each(results, [&](ValueType type) { append(entry, type); });
    return add(kType, entry);
  }
  /// A function with its body: locals' declaration (default: none) and code without the final end.
  uint32_t function(uint32_t type, const ByteVector& code, const ByteVector& locals = {0x00}) {
    add(kCode, sized(bytes(locals, code, Opcode::end)));
    return imported_functions_ + add(kFunction, unsigned_leb(type));
  }
  uint32_t import_function(const char* module, const char* name, uint32_t type) {
    add(kImport, bytes(module, name, 0x00, unsigned_leb(type)));
    return imported_functions_++;
  }
  /// Any other entry, in its bytes; returns its place in the section.
  uint32_t add(SectionId id, const ByteVector& entry) {
    entries_[id].push_back(entry);
    return static_cast<uint32_t>(entries_[id].size() - 1);
  }
  /// A section without a count of entries: start, data count.
  void content(SectionId id, const ByteVector& content) { contents_[id] = content; }
  /// A whole section for the front (dylink.0) or the end.
  void front(const ByteVector& section) { append(front_, section); }
  void back(const ByteVector& section) { append(back_, section); }

  [[nodiscard]] ByteVector build() const {
    ByteVector module = bytes(header(), front_);
    for (const SectionId id : {kType, kImport, kFunction, kTable, kMemory, kTag, kGlobal, kExport, kStart, kElement,
                               kDataCount, kCode, kData}) {
      if (const auto found = contents_.find(id); found != contents_.end()) {
        append(module, section(id, found->second));
      } else if (const auto listed = entries_.find(id); listed != entries_.end()) {
        ByteVector content = unsigned_leb(listed->second.size());
        std::ranges::for_each(listed->second, [&](const ByteVector& entry) { append(content, entry); });
        append(module, section(id, content));
      }
    }
    append(module, back_);
    return module;
  }

 private:
  std::map<SectionId, std::vector<ByteVector>> entries_;
  std::map<SectionId, ByteVector> contents_;
  ByteVector front_;
  ByteVector back_;
  uint32_t imported_functions_ = 0;
};

}  // namespace tenon::wasm::testing
