#include "link/search.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "link/program.h"
#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::ByteVector;
using testing::Library;
using testing::make_main;
using testing::TemporaryDirectory;

class SearchTest : public ::testing::Test {
 protected:
  static ByteVector library(std::vector<std::string> needed = {}, std::vector<std::string> runtime_path = {}) {
    Library result = make_main(std::move(needed));
    result.runtime_path = std::move(runtime_path);
    return result.build();
  }

  /// What main, a file of the directory, would be loaded with.
  Examination examine(const std::string& main) {
    auto program = Program::create(engine_, options_);
    EXPECT_TRUE(program);
    auto examination = (*program)->examine(directory_.path(main), false);
    EXPECT_TRUE(examination) << examination.error().message;
    return examination ? *std::move(examination) : Examination{};
  }
  /// Where `name` was found when main needs it; else why it was not, after a question mark.
  std::string where(const std::string& main, const std::string& name) {
    const Examination examination = examine(main);
    const auto entry = std::ranges::find(examination.dependencies, name, &Dependency::name);
    if (entry == examination.dependencies.end()) {
      return "?not even needed";
    }
    return entry->found ? entry->path : "?" + entry->reason;
  }

  TemporaryDirectory directory_;
  Engine engine_;
  ProgramOptions options_;
};

TEST_F(SearchTest, LooksBesideMainLast) {
  (void)directory_.write("app/main.wasm", library({"libx.so"}));
  (void)directory_.write("app/libx.so", library());
  EXPECT_EQ(where("app/main.wasm", "libx.so"), directory_.path("app/libx.so"));
  (void)directory_.write("lib/libx.so", library());
  options_.library_path = {directory_.path("empty"), directory_.path("lib")};
  EXPECT_EQ(where("app/main.wasm", "libx.so"), directory_.path("lib/libx.so"));
  (void)directory_.write("app/own/libx.so", library());
  (void)directory_.write("app/main.wasm", library({"libx.so"}, {"$ORIGIN/own"}));
  EXPECT_EQ(where("app/main.wasm", "libx.so"), directory_.path("app/own/libx.so"));
}

TEST_F(SearchTest, EachRequesterHasItsOwnRuntimePath) {
  (void)directory_.write("main.wasm", library({"liba.so"}, {"$ORIGIN/a"}));
  (void)directory_.write("a/liba.so", library({"libb.so"}, {"${ORIGIN}/../b"}));
  (void)directory_.write("b/libb.so", library({"libc.so"}));
  (void)directory_.write("b/libc.so", library());
  EXPECT_EQ(where("main.wasm", "libb.so"), directory_.path("b/libb.so"));
  EXPECT_TRUE(where("main.wasm", "libc.so").starts_with("?"));
}

TEST_F(SearchTest, RuntimePathsReachOnlyBelowWhatTheUserGave) {
  (void)directory_.write("app/bin/main.wasm", library({"libx.so"}, {"$ORIGIN/../lib", directory_.path("app/lib")}));
  (void)directory_.write("app/lib/libx.so", library());
  EXPECT_NE(where("app/bin/main.wasm", "libx.so").find("refused"), std::string::npos);
  options_.library_path = {directory_.path("app")};
  EXPECT_EQ(where("app/bin/main.wasm", "libx.so"), directory_.path("app/lib/libx.so"));
  options_.library_path = {};
  options_.trust_runtime_path = true;
  EXPECT_EQ(where("app/bin/main.wasm", "libx.so"), directory_.path("app/lib/libx.so"));
}

TEST_F(SearchTest, NeededNamesDoNotLeave) {
  (void)directory_.write("secret.so", library());
  (void)directory_.write("app/sub/inside.so", library());
  directory_.link("../secret.so", "app/link.so");
  directory_.link(directory_.path("secret.so"), "app/absolute-link.so");
  directory_.link("..", "app/up");
  const std::vector<std::string> escapes = {
      "../secret.so",     "sub/../../secret.so", directory_.path("secret.so"), "link.so",
      "absolute-link.so", "up/secret.so",        "up/app/../secret.so",        "..",
      "/etc/passwd",      "/proc/self/exe",      "/proc/self/root/etc/passwd",
  };
  for (const std::string& name : escapes) {
    (void)directory_.write("app/main.wasm", library({name}));
    EXPECT_TRUE(where("app/main.wasm", name).starts_with("?")) << name;
  }
  (void)directory_.write("app/main.wasm", library({"sub/inside.so"}));
  EXPECT_EQ(where("app/main.wasm", "sub/inside.so"), directory_.path("app/sub/inside.so"));
  (void)directory_.write("app/main.wasm", library({directory_.path("app/sub/inside.so")}));
  EXPECT_EQ(where("app/main.wasm", directory_.path("app/sub/inside.so")), directory_.path("app/sub/inside.so"));
}

TEST_F(SearchTest, DirectoriesAndDevicesAreNoLibraries) {
  std::filesystem::create_directory(directory_.path("libdirectory.so"));
  ASSERT_EQ(mkfifo(directory_.path("libfifo.so").c_str(), 0600), 0);
  (void)directory_.write("main.wasm", library({"libdirectory.so", "libfifo.so", "."}));
  EXPECT_NE(where("main.wasm", "libdirectory.so").find("directory"), std::string::npos);
  EXPECT_NE(where("main.wasm", "libfifo.so").find("not a regular file"), std::string::npos);
  EXPECT_NE(where("main.wasm", ".").find("directory"), std::string::npos);
}

TEST_F(SearchTest, SaysEverywhereItLooked) {
  (void)directory_.write("main.wasm", library({"libx.so"}, {"$ORIGIN/a", "/nowhere"}));
  options_.library_path = {directory_.path("b"), directory_.path("c")};
  std::filesystem::create_directory(directory_.path("b"));
  const std::string reason = where("main.wasm", "libx.so");
  for (const std::string& place : {directory_.path("a/libx.so"), std::string("/nowhere/libx.so"),
                                   directory_.path("b/libx.so"), directory_.path("libx.so")}) {
    EXPECT_NE(reason.find(place), std::string::npos) << place << " in " << reason;
  }
  EXPECT_NE(reason.find(directory_.path("c") + " (no such directory)"), std::string::npos) << reason;
  EXPECT_NE(reason.find("main.wasm"), std::string::npos) << reason;
}

TEST_F(SearchTest, OneFileIsOneLibrary) {
  (void)directory_.write("libreal.so", library());
  directory_.link("libreal.so", "libalias.so");
  std::filesystem::create_hard_link(directory_.path("libreal.so"), directory_.path("libhard.so"));
  (void)directory_.write("main.wasm",
                         library({"libreal.so", "libalias.so", "libhard.so", "./libreal.so", "main.wasm"}));
  const Examination examination = examine("main.wasm");
  ASSERT_EQ(examination.dependencies.size(), 2);
  EXPECT_EQ(examination.dependencies[1].name, "libreal.so");
  EXPECT_EQ(examination.dependencies[0].needed[2], "libreal.so");
}

TEST_F(SearchTest, PreloadsComeAfterMainAndAreTrusted) {
  (void)directory_.write("app/main.wasm", library({"libx.so"}));
  (void)directory_.write("app/libx.so", library());
  (void)directory_.write("app/libbare.so", library());
  (void)directory_.write("elsewhere/libpath.so", library());
  options_.preload = {directory_.path("elsewhere/libpath.so"), "libbare.so"};
  const Examination examination = examine("app/main.wasm");
  ASSERT_EQ(examination.dependencies.size(), 4);
  EXPECT_EQ(examination.dependencies[1].path, directory_.path("elsewhere/libpath.so"));
  EXPECT_EQ(examination.dependencies[2].name, "libbare.so");
  EXPECT_EQ(examination.dependencies[3].name, "libx.so");
}

TEST_F(SearchTest, RegisteredModulesAndTheReaderComeFirst) {
  (void)directory_.write("main.wasm", library({"liba.so", "libb.so", "libc.so"}));
  for (const char* const name : {"liba.so", "libb.so", "libc.so"}) {
    (void)directory_.write(name, library());
  }
  options_.registered_modules["liba.so"] = *engine_.load(base::FileBytes::own(library()), "registered");
  std::vector<std::string> asked;
  options_.module_reader = [&](const std::string& name,
                               const std::string& requester) -> Result<std::optional<base::FileBytes>> {
    asked.push_back(name + " for " + requester.substr(requester.rfind('/') + 1));
    return name == "libb.so" ? std::optional(base::FileBytes::own(library())) : std::nullopt;
  };
  const Examination examination = examine("main.wasm");
  EXPECT_EQ(examination.dependencies[1].found_through, FoundThrough::registered);
  EXPECT_EQ(examination.dependencies[2].found_through, FoundThrough::module_reader);
  EXPECT_EQ(examination.dependencies[3].found_through, FoundThrough::main_directory);
  EXPECT_EQ(asked, (std::vector<std::string>{"libb.so for main.wasm", "libc.so for main.wasm"}));
}

TEST_F(SearchTest, CopiesWhatTheGuestCanWrite) {
  (void)directory_.write("main.wasm", library({"libx.so"}));
  const std::string path = directory_.write("libx.so", library());
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  options_.guest_can_write = [&](int descriptor) {
    struct stat is{};
    return fstat(descriptor, &is) == 0 && is.st_ino == status.st_ino;
  };
  EXPECT_EQ(where("main.wasm", "libx.so"), path);
  (void)where("main.wasm", "libx.so");
  EXPECT_EQ(engine_.counts().decoded, 3) << "main once, the copied library each time";
}

TEST_F(SearchTest, NamesThatAreNone) {
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string(5000, 'x')}) {
    (void)directory_.write("main.wasm", library());
    Library main = make_main({});
    main.needed = {name};
    if (name.contains('\0')) {
      continue;  // the builder takes C strings
    }
    (void)directory_.write("main.wasm", main.build());
    auto program = Program::create(engine_, options_);
    const auto examination = (*program)->examine(directory_.path("main.wasm"), false);
    ASSERT_FALSE(examination);
    EXPECT_EQ(examination.error().kind, ErrorKind::malformed);
    EXPECT_LT(examination.error().message.size(), 1000);
  }
}

TEST(ExpandRuntimePath, ReplacesTheOrigin) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(expand_runtime_path("$ORIGIN", "/o", "/w"), Paths{"/o"});
  EXPECT_EQ(expand_runtime_path("${ORIGIN}/lib", "/o", "/w"), Paths{"/o/lib"});
  EXPECT_EQ(expand_runtime_path("$ORIGIN/a:/b::c", "/o", "/w"), (Paths{"/o/a", "/b", "/w/c"}));
  EXPECT_EQ(expand_runtime_path("$ORIGINAL", "/o", "/w"), Paths{"/w/$ORIGINAL"});
  EXPECT_EQ(expand_runtime_path("$ORIGIN:/b", "", "/w"), Paths{"/b"});
  EXPECT_EQ(expand_runtime_path("", "/o", "/w"), Paths{});
}

}  // namespace
}  // namespace tenon::link
