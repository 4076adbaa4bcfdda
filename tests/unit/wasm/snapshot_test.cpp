// A module that is restored from its snapshot is the module that was decoded, but for function bodies.
#include "wasm/snapshot.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "unit/link/library.h"
#include "unit/wasm/module_builder.h"

namespace tenon::wasm {
namespace {

using namespace testing;
using ModuleReference = std::shared_ptr<const Module>;

std::string text_of(const ConstantExpression& expression) {
  std::string text = "(";
  for (const ConstantInstruction& instruction : expression) {
    text += fmt::format("{:x}:{:x} ", instruction.opcode, instruction.immediate);
  }
  return text + ")";
}

std::string text_of(const Limits& limits) {
  return fmt::format("{}..{}", limits.minimum, limits.maximum ? std::to_string(*limits.maximum) : "");
}

// Everything that a module says about itself but for where data and bodies are.
std::string text_of(const Module& module) {
  std::string text = module.name + "\n";
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    text += fmt::format(format, std::forward<Args>(args)...) + "\n";
  };
  for (const TypeReference& type : module.types) {
    line("type {} {}", to_string(*type), static_cast<const void*>(type.get()));
  }
  for (const Import& entry : module.imports) {
    line("import {}.{} {} {}", entry.module, entry.name, to_string(entry.kind), entry.index);
  }
  for (const Export& entry : module.exports) {
    line("export {} {} {} found {}", entry.name, to_string(entry.kind), entry.index,
         module.find_export(entry.name) == &entry);
  }
  for (uint32_t i = 0; i < module.functions.size(); ++i) {
    const Function& function = module.functions[i];
    line("function {} {} {} {} declared {}", module.function_name(i), function.type, function.body_offset,
         function.body_size, module.declared_functions.contains(i));
  }
  for (const Table& table : module.tables) {
    line("table {} {}", to_string(table.type.element), text_of(table.type.limits));
  }
  for (const Memory& memory : module.memories) {
    line("memory {} {}", text_of(memory.type.limits), memory.type.shared);
  }
  for (const Global& global : module.globals) {
    line("global {} {} {} {}", to_string(global.type.type), global.type.is_mutable, text_of(global.initial),
         global.is_written);
  }
  for (const Tag& tag : module.tags) {
    line("tag {}", tag.type);
  }
  line("imported {} {} {} {} {}", module.imported_functions, module.imported_tables, module.imported_memories,
       module.imported_globals, module.imported_tags);
  line("start {} count {} moves {}", module.start.value_or(kNoIndex), module.has_data_count, module.moves_references);
  for (const ElementSegment& segment : module.elements) {
    line("element {} {} {} {}", static_cast<int>(segment.mode), to_string(segment.type), segment.table,
         text_of(segment.offset));
    for (const uint32_t function : segment.functions) {
      line("  {}", function);
    }
    for (const ConstantExpression& expression : segment.expressions) {
      line("  {}", text_of(expression));
    }
  }
  for (const DataSegment& segment : module.data) {
    const base::Bytes content = module.bytes().subspan(segment.bytes_offset, segment.size);
    line("data {} {} {} `{}'", static_cast<int>(segment.mode), segment.memory, text_of(segment.offset),
         std::string(content.begin(), content.end()));
  }
  for (const CustomSection& section : module.custom_sections) {
    line("custom {} {} {}", section.name, section.offset, section.size);
  }
  for (const Section& section : module.sections) {
    line("section {} {} {}", section.id, section.offset, section.size);
  }
  if (const auto& dylink = module.dylink) {
    line("dylink {} {} {} {}", dylink->memory_size, dylink->memory_alignment, dylink->table_size,
         dylink->table_alignment);
    for (const Name& name : dylink->needed) {
      line("needed {}", name);
    }
    for (const Name& name : dylink->runtime_path) {
      line("path {}", name);
    }
    for (const DylinkExport& entry : dylink->export_flags) {
      line("export flags {} {} {}", entry.name, entry.flags, dylink->flags_of_export(SymbolName(entry.name)));
    }
    for (const DylinkImport& entry : dylink->import_flags) {
      line("import flags {}.{} {}", entry.module, entry.name, entry.flags);
    }
  }
  return text;
}

ModuleReference decoded(const ByteVector& module) {
  auto result = decode_and_validate(base::FileBytes::own(module), "test.wasm");
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return nullptr;
  }
  return *result;
}

ModuleReference restored(const ByteVector& snapshot) {
  auto result = restore(base::FileBytes::own(snapshot), "test.wasm");
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return nullptr;
  }
  return *result;
}

// One of everything.
ByteVector rich_module() {
  ModuleBuilder module;
  module.front(custom_section(
      "dylink.0",
      bytes(1, sized(bytes(unsigned_leb(1000), 4, 12, 1)), 2, sized(bytes(2, "libc.so", "libm.so")), 3,
            sized(bytes(3, "errno", unsigned_leb(kSymbolTls), "weak", 1, "errno", unsigned_leb(kSymbolTls | 1))), 4,
            sized(bytes(1, "env", "maybe", kSymbolBindingWeak | kSymbolUndefined)), 5,
            sized(bytes(1, "$ORIGIN/lib")))));
  const uint32_t nothing = module.type({}, {});
  const uint32_t many = module.type({ValueType::i64, ValueType::funcref}, {ValueType::f32, ValueType::f64});
  const uint32_t pair = module.type({ValueType::i32, ValueType::i32}, {});
  module.import_function("env", "maybe", nothing);
  module.import_function("env", "handed_on", many);
  module.add(kImport, bytes("GOT.mem", "x", 0x03, ValueType::i32, 1));
  module.add(kImport, bytes("env", "__memory_base", 0x03, ValueType::i32, 0));
  module.add(kImport, bytes("env", "memory", 0x02, 0x03, 1, 2));
  module.add(kImport, bytes("env", "__cpp_exception", 0x04, 0x00, unsigned_leb(pair)));
  const uint32_t one = module.function(nothing, bytes(Opcode::call, 0));
  const uint32_t two = module.function(nothing, bytes(Opcode::i32_const, 1, Opcode::global_set, 0));
  module.add(kTable, bytes(ValueType::funcref, 0x01, 4, 40));
  module.add(kTable, bytes(ValueType::externref, 0x00, 1));
  module.add(kTag, bytes(0x00, unsigned_leb(pair)));
  module.add(kGlobal,
             bytes(ValueType::i32, 0, Opcode::global_get, 1, Opcode::i32_const, 8, Opcode::i32_add, Opcode::end));
  module.add(kGlobal, bytes(ValueType::funcref, 1, Opcode::ref_func, unsigned_leb(one), Opcode::end));
  module.add(kGlobal, bytes(ValueType::i64, 1, Opcode::i64_const, signed_leb(-5), Opcode::end));
  module.add(kExport, bytes("", 0x00, unsigned_leb(two)));
  module.add(kExport, bytes("_initialize", 0x00, unsigned_leb(one)));
  module.add(kExport, bytes("handed_on", 0x00, 1));
  module.add(kExport, bytes("errno", 0x03, 2));
  module.add(kExport, bytes("table", 0x01, 0));
  module.content(kStart, unsigned_leb(two));
  module.add(kElement, bytes(0, Opcode::i32_const, 1, Opcode::end, 2, unsigned_leb(one), 0));
  module.add(kElement, bytes(5, ValueType::funcref, 2, Opcode::ref_null, ValueType::funcref, Opcode::end,
                             Opcode::ref_func, unsigned_leb(two), Opcode::end));
  module.add(kElement, bytes(3, 0, 1, unsigned_leb(two)));
  module.content(kDataCount, {2});
  module.add(kData, bytes(0, Opcode::global_get, 1, Opcode::end, 5, 'h', 'e', 'l', 'l', 'o'));
  module.add(kData, bytes(1, 3, 'a', 0, 'b'));
  module.back(custom_section("name", bytes(1, sized(bytes(2, 0, "first", unsigned_leb(two), "two\n")))));
  module.back(custom_section("note", {1, 2, 3}));
  return module.build();
}

TEST(Snapshot, SaysTheSame) {
  const ModuleReference module = decoded(rich_module());
  const ModuleReference again = restored(snapshot(*module));
  EXPECT_EQ(text_of(*module), text_of(*again));
  EXPECT_EQ(again->find_export("absent"), nullptr);
  EXPECT_FALSE(module->is_restored());
  EXPECT_TRUE(again->is_restored());
}

TEST(Snapshot, OfAnEmptyModule) {
  const ModuleReference module = decoded(header());
  const ModuleReference again = restored(snapshot(*module));
  EXPECT_EQ(text_of(*module), text_of(*again));
  EXPECT_EQ(again->find_export("absent"), nullptr);
}

TEST(Snapshot, OfManyExports) {
  link::testing::Library library;
  library.import_bases();
  for (int i = 0; i < 1000; ++i) {
    library.define("function" + std::to_string(i), i);
  }
  const ModuleReference module = decoded(library.build());
  const ModuleReference again = restored(snapshot(*module));
  EXPECT_EQ(text_of(*module), text_of(*again));
}

TEST(Snapshot, IsTheSameEachTime) {
  const ByteVector first = snapshot(*decoded(rich_module()));
  // Other memory, so that what is left in padding would show.
  const ByteVector other = rich_module();
  std::vector<std::unique_ptr<ByteVector>> litter;
  for (int i = 0; i < 100; ++i) {
    litter.push_back(std::make_unique<ByteVector>(static_cast<size_t>(i) * 100, uint8_t{0xa5}));
  }
  litter.clear();
  EXPECT_EQ(first, snapshot(*decoded(other)));
}

TEST(Snapshot, OfARestoredModuleIsTheSame) {
  const ByteVector first = snapshot(*decoded(rich_module()));
  EXPECT_EQ(first, snapshot(*restored(first)));
}

TEST(Snapshot, HasTheBodiesThatTheLinkerLooksThrough) {
  const ModuleReference module = decoded(rich_module());
  const ModuleReference again = restored(snapshot(*module));
  for (const uint32_t function : {2U, 3U}) {  // _initialize and the start function
    const auto body = again->body(function);
    ASSERT_TRUE(body);
    EXPECT_TRUE(std::ranges::equal(*body, *module->body(function)));
  }
  EXPECT_FALSE(again->body(0));
}

TEST(Snapshot, WorksWhereverItIs) {
  const ModuleReference module = decoded(rich_module());
  const ByteVector bytes = snapshot(*module);
  for (const size_t place : {8, 64, 4096}) {
    auto memory = std::make_shared<std::vector<uint64_t>>((place + bytes.size()) / 8 + 1);
    uint8_t* const start = reinterpret_cast<uint8_t*>(memory->data()) + place;
    std::memcpy(start, bytes.data(), bytes.size());
    auto again = restore(base::FileBytes::share({start, bytes.size()}, memory), "test.wasm");
    memory.reset();  // the module keeps it
    ASSERT_TRUE(again);
    EXPECT_EQ(text_of(*module), text_of(**again));
  }
}

TEST(Snapshot, IsRefusedWhenItIsCutOff) {
  const ByteVector bytes = snapshot(*decoded(rich_module()));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto result =
        restore(base::FileBytes::own({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)}), "x");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::malformed);
  }
}

TEST(Snapshot, IsRefusedWhenItIsOfAnotherVersion) {
  ByteVector bytes = snapshot(*decoded(rich_module()));
  ++bytes[8];
  const auto result = restore(base::FileBytes::own(bytes), "x");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("another version"), std::string::npos);
}

// Whoever restores has compared a checksum before. Should it not have found a changed byte, restoring survives.
TEST(Snapshot, RestoringSurvivesChangedBytes) {
  const ByteVector bytes = snapshot(*decoded(rich_module()));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const uint8_t flip : {0x01, 0x08, 0x80, 0xff}) {
      ByteVector changed = bytes;
      changed[i] ^= flip;
      (void)restore(base::FileBytes::own(std::move(changed)), "x");
    }
  }
}

}  // namespace
}  // namespace tenon::wasm
