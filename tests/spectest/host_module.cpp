#include "host_module.h"

#include <array>
#include <bit>
#include <initializer_list>
#include <string_view>

#include "wasm/types.h"

namespace tenon::spectest {

namespace {

using Content = std::vector<uint8_t>;
using wasm::ValueType;

constexpr auto kFunctions = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"print", "_"},
    {"print_i32", "i_"},
    {"print_i64", "I_"},
    {"print_f32", "f_"},
    {"print_f64", "F_"},
    {"print_i32_f32", "if_"},
    {"print_f64_f64", "FF_"},
});

bool do_nothing(void* /*environment*/, runtime::HostCall& /*call*/) {
  return true;
}

// The module is small: every count, size and index in it is below 128, so its LEB128 is one byte.
uint8_t small(size_t number) {
  return static_cast<uint8_t>(number);
}

void append(Content& content, std::string_view name) {
  content.push_back(small(name.size()));
  content.insert(content.end(), name.begin(), name.end());
}

void append(Content& content, std::initializer_list<uint8_t> bytes) {
  content.insert(content.end(), bytes);
}

template <class T>
void append_bits(Content& content, T bits) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    content.push_back(static_cast<uint8_t>(bits >> (8 * i)));
  }
}

/// A section's size may need two bytes.
void append_section(Content& module, uint8_t id, const Content& content) {
  module.push_back(id);
  append(module, {static_cast<uint8_t>((content.size() & 0x7f) | 0x80), static_cast<uint8_t>(content.size() >> 7)});
  module.insert(module.end(), content.begin(), content.end());
}

Content type_section() {
  Content content{small(kFunctions.size())};
  for (const auto& definition : spectest_functions()) {
    const wasm::FunctionType type = runtime::parse_signature(definition.signature);
    append(content, {0x60, small(type.parameters.size())});
    for (const ValueType parameter : type.parameters) {
      content.push_back(static_cast<uint8_t>(parameter));
    }
    content.push_back(0);
  }
  return content;
}

Content import_section() {
  Content content{small(kFunctions.size())};
  for (size_t i = 0; i < kFunctions.size(); ++i) {
    append(content, kHostModule);
    append(content, kFunctions[i].first);
    append(content, {0, small(i)});
  }
  return content;
}

Content table_section() {
  return {1, static_cast<uint8_t>(ValueType::funcref), 1, 10, 20};
}

Content memory_section(bool shared) {
  return {1, static_cast<uint8_t>(shared ? 3 : 1), 1, 2};
}

Content global_section() {
  constexpr uint8_t kImmutable = 0;
  constexpr uint8_t kEnd = 0x0b;
  Content content{4};
  append(content, {static_cast<uint8_t>(ValueType::i32), kImmutable, 0x41, 0x9a, 0x05, kEnd});  // i32.const 666
  append(content, {static_cast<uint8_t>(ValueType::i64), kImmutable, 0x42, 0x9a, 0x05, kEnd});
  append(content, {static_cast<uint8_t>(ValueType::f32), kImmutable, 0x43});
  append_bits(content, std::bit_cast<uint32_t>(666.6F));
  content.push_back(kEnd);
  append(content, {static_cast<uint8_t>(ValueType::f64), kImmutable, 0x44});
  append_bits(content, std::bit_cast<uint64_t>(666.6));
  content.push_back(kEnd);
  return content;
}

Content export_section(bool shared) {
  constexpr std::array<std::string_view, 4> kGlobals = {"global_i32", "global_i64", "global_f32", "global_f64"};
  Content content{small(kFunctions.size() + kGlobals.size() + 2)};
  const auto append_export = [&content](std::string_view name, uint8_t kind, size_t index) {
    append(content, name);
    append(content, {kind, small(index)});
  };
  for (size_t i = 0; i < kFunctions.size(); ++i) {
    append_export(kFunctions[i].first, 0, i);
  }
  append_export("table", 1, 0);
  append_export(shared ? "shared_memory" : "memory", 2, 0);
  for (size_t i = 0; i < kGlobals.size(); ++i) {
    append_export(kGlobals[i], 3, i);
  }
  return content;
}

}  // namespace

std::span<const runtime::HostFunctionDefinition> spectest_functions() {
  static const auto functions = [] {
    std::array<runtime::HostFunctionDefinition, kFunctions.size()> result;
    for (size_t i = 0; i < kFunctions.size(); ++i) {
      result[i] = {kFunctions[i].first, kFunctions[i].second, do_nothing};
    }
    return result;
  }();
  return functions;
}

std::vector<uint8_t> spectest_module(bool shared) {
  Content module{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
  append_section(module, 1, type_section());
  append_section(module, 2, import_section());
  append_section(module, 4, table_section());
  append_section(module, 5, memory_section(shared));
  append_section(module, 6, global_section());
  append_section(module, 7, export_section(shared));
  return module;
}

}  // namespace tenon::spectest
