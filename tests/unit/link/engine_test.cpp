#include "link/engine.h"

#include <gtest/gtest.h>

#include <thread>

#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::Library;
using testing::TemporaryDirectory;

testing::ByteVector library_giving(int value) {
  Library library;
  library.import_bases();
  library.define("value", value);
  return library.build();
}

std::shared_ptr<SharedModule> load(Engine& engine, const std::string& path, runtime::CodeOptions code = {}) {
  auto bytes = base::FileBytes::map(path);
  EXPECT_TRUE(bytes);
  auto module = engine.load(*bytes, path, code);
  EXPECT_TRUE(module) << module.error().message;
  return *module;
}

TEST(Engine, FindsAFileAgainUnderAnotherName) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("lib.so", library_giving(1));
  directory.link("lib.so", "other.so");
  Engine engine;
  const auto first = load(engine, path);
  EXPECT_EQ(load(engine, directory.path("other.so")), first);
  EXPECT_EQ(engine.counts().decoded, 1);
  EXPECT_EQ(engine.counts().found, 1);
}

TEST(Engine, KeepsWhatWasClosedAMomentAgo) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("lib.so", library_giving(1));
  Engine engine;
  load(engine, path).reset();
  load(engine, path).reset();
  EXPECT_EQ(engine.counts().decoded, 1);
}

TEST(Engine, ForgetsTheOldest) {
  const TemporaryDirectory directory;
  Engine engine({.recent_modules = 2});
  std::vector<std::string> paths;
  for (int i = 0; i < 3; ++i) {
    paths.push_back(directory.write("lib" + std::to_string(i), library_giving(i)));
    load(engine, paths.back()).reset();
  }
  load(engine, paths[2]).reset();
  EXPECT_EQ(engine.counts().found, 1);
  load(engine, paths[0]).reset();
  EXPECT_EQ(engine.counts().decoded, 4);
}

TEST(Engine, KeepsNothingWhenToldSo) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("lib.so", library_giving(1));
  Engine engine({.recent_modules = 64, .recent_bytes = 0});
  const std::weak_ptr<SharedModule> module = load(engine, path);
  EXPECT_TRUE(module.expired());
}

TEST(Engine, ChangedFilesAndOtherOptionsAreOtherModules) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("lib.so", library_giving(1));
  Engine engine;
  const auto first = load(engine, path);
  EXPECT_NE(load(engine, path, {.checks = runtime::BoundsChecks::explicit_checks}), first);
  (void)directory.write("lib.so", library_giving(100000));
  EXPECT_NE(load(engine, path), first);
}

TEST(Engine, OwnedBytesAreNotShared) {
  Engine engine;
  const auto bytes = base::FileBytes::own(library_giving(1));
  EXPECT_NE(*engine.load(bytes, "a"), *engine.load(bytes, "a"));
}

TEST(Engine, RefusesImportsThatTheAbiTypesOtherwise) {
  Library library;
  library.import_global("env", "__memory_base", true);
  Engine engine;
  const auto module = engine.load(base::FileBytes::own(library.build()), "odd.so");
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().kind, ErrorKind::unlinkable);
  EXPECT_NE(module.error().message.find("__memory_base"), std::string::npos);
}

TEST(Engine, ServesThreads) {
  const TemporaryDirectory directory;
  std::vector<std::string> paths;
  for (int i = 0; i < 8; ++i) {
    paths.push_back(directory.write("lib" + std::to_string(i), library_giving(i)));
  }
  Engine engine({.recent_modules = 4});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        for (const std::string& path : paths) {
          load(engine, path);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GE(engine.counts().decoded, 8);
}

}  // namespace
}  // namespace tenon::link
