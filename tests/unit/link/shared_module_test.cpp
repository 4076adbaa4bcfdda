// What a module's imports mean.
#include "link/shared_module.h"

#include <gtest/gtest.h>

#include <chrono>

#include "link/engine.h"
#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::Library;

std::shared_ptr<SharedModule> load(const Library& library) {
  Engine engine;
  auto module = engine.load(base::FileBytes::own(library.build()), "test.so");
  EXPECT_TRUE(module) << module.error().message;
  return *module;
}

TEST(SharedModule, FunctionsKnowTheFirstImportOfTheirAddress) {
  Library library;
  library.import_global("GOT.mem", "f");
  const uint32_t f = library.import_global("GOT.func", "f");
  library.import_global("GOT.func", "f");
  const uint32_t g = library.import_global("GOT.func", "g");
  library.import_function("f", library.nothing);
  library.import_function("f", library.gives_i32);
  library.import_function("g", library.nothing);
  library.import_function("h", library.nothing);
  library.import_function("g", library.nothing, "elsewhere");
  const auto module = load(library);
  ASSERT_EQ(module->functions.size(), 5);
  EXPECT_EQ(module->functions[0].address, f);
  EXPECT_EQ(module->functions[1].address, f);
  EXPECT_EQ(module->functions[2].address, g);
  EXPECT_EQ(module->functions[3].address, std::nullopt);
  EXPECT_EQ(module->functions[4].address, std::nullopt);
}

// Comparing each import with each other would take minutes.
TEST(SharedModule, ManyImportsOfOneNameTakeNoTime) {
  constexpr size_t kImports = 300'000;
  Library library;
  for (size_t i = 0; i < kImports; ++i) {
    library.import_global("GOT.func", "f");
    library.import_function("f", library.nothing);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto module = load(library);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  ASSERT_EQ(module->functions.size(), kImports);
  EXPECT_EQ(module->functions.back().address, 0);
}

}  // namespace
}  // namespace tenon::link
