#include "link/symbol_table.h"

#include <gtest/gtest.h>

#include "link/engine.h"
#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::Library;
using wasm::Opcode;

std::shared_ptr<SharedModule> load(const Library& library) {
  Engine engine;
  auto module = engine.load(base::FileBytes::own(library.build()), "test.so");
  EXPECT_TRUE(module) << module.error().message;
  return *module;
}

const wasm::Export* find(const SharedModule& module, std::string_view name) {
  return module.symbols.find(SymbolName(name));
}

TEST(SymbolTable, HasDefinitionsOnly) {
  Library library;
  library.import_bases();
  const uint32_t handed_on = library.import_function("handed_on", library.nothing);
  library.import_function("renamed", library.nothing);
  library.export_function("handed_on", handed_on);
  library.export_function("other_name", handed_on + 1);
  library.define("function", 1);
  library.define("_initialize_me", 1);
  library.export_data("data", 16);
  const auto module = load(library);
  EXPECT_NE(find(*module, "function"), nullptr);
  EXPECT_NE(find(*module, "data"), nullptr);
  EXPECT_NE(find(*module, "other_name"), nullptr);
  EXPECT_NE(find(*module, "_initialize_me"), nullptr);
  EXPECT_EQ(find(*module, "handed_on"), nullptr);
  EXPECT_EQ(find(*module, "absent"), nullptr);
  EXPECT_EQ(module->symbols.size(), 4);
}

TEST(SymbolTable, LeavesOutWhatIsPrivate) {
  Library library;
  library.import_bases();
  const uint32_t function = library.module.function(library.nothing, {});
  for (const char* const name : {"_start", "_initialize", "__wasm_call_ctors", "__wasm_apply_data_relocs"}) {
    library.export_function(name, function);
    EXPECT_TRUE(is_private_symbol(name));
  }
  library.export_data("__dso_handle", 0);
  library.define("visible", 1);
  const auto module = load(library);
  EXPECT_EQ(module->symbols.size(), 1);
  EXPECT_EQ(find(*module, "_start"), nullptr);
  EXPECT_TRUE(module->start);
  EXPECT_FALSE(is_private_symbol("main"));
  EXPECT_FALSE(is_private_symbol("memory2"));
}

TEST(SymbolTable, FindsEachOfMany) {
  Library library;
  library.import_bases();
  constexpr int kCount = 5000;
  for (int i = 0; i < kCount; ++i) {
    library.define("symbol_" + std::to_string(i), i);
  }
  const auto module = load(library);
  EXPECT_EQ(module->symbols.size(), kCount);
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "symbol_" + std::to_string(i);
    const wasm::Export* const symbol = find(*module, name);
    ASSERT_NE(symbol, nullptr);
    EXPECT_EQ(symbol->name, name);
    EXPECT_EQ(find(*module, "other_" + std::to_string(i)), nullptr);
  }
}

TEST(SymbolTable, OfAModuleWithoutExports) {
  const auto module = load(Library());
  EXPECT_EQ(find(*module, "anything"), nullptr);
}

}  // namespace
}  // namespace tenon::link
