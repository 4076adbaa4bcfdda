// Small shared libraries and programs made by hand, and a directory to put them in.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "unit/wasm/module_builder.h"

namespace tenon::link::testing {

using wasm::Opcode;
using wasm::ValueType;
using wasm::testing::append;
using wasm::testing::bytes;
using wasm::testing::ByteVector;
using wasm::testing::signed_leb;
using wasm::testing::sized;
using wasm::testing::unsigned_leb;

/// A module with a dylink.0 section, as wasm-ld would make it: imports come first, then what it defines.
class Library {
 public:
  uint32_t memory_size = 0;
  uint32_t memory_alignment = 0;  ///< exponent
  uint32_t table_size = 0;
  uint32_t table_alignment = 0;  ///< exponent
  std::vector<std::string> needed;
  std::vector<std::string> runtime_path;
  std::vector<std::string> weak_imports;
  std::vector<std::string> thread_local_exports;
  wasm::testing::ModuleBuilder module;

  Library() : nothing(module.type({}, {})), gives_i32(module.type({}, {ValueType::i32})) {}

  uint32_t nothing;    ///< type () -> ()
  uint32_t gives_i32;  ///< type () -> i32

  uint32_t import_global(const std::string& from, const std::string& name, bool is_mutable = true) {
    module.add(wasm::testing::kImport, bytes(from.c_str(), name.c_str(), 0x03, ValueType::i32, is_mutable ? 1 : 0));
    return imported_globals_++;
  }
  void import_memory(uint32_t pages = 0) {
    module.add(wasm::testing::kImport, bytes("env", "memory", 0x02, 0x00, unsigned_leb(pages)));
  }
  void import_table() {
    module.add(wasm::testing::kImport, bytes("env", "__indirect_function_table", 0x01, 0x70, 0x00, 0x00));
  }
  uint32_t import_function(const std::string& name, uint32_t type, const std::string& from = "env") {
    return module.import_function(from.c_str(), name.c_str(), type);
  }
  /// What every position-independent module imports; returns the index of __memory_base.
  uint32_t import_bases() {
    import_memory();
    import_table();
    const uint32_t memory_base = import_global("env", "__memory_base", false);
    import_global("env", "__table_base", false);
    return memory_base;
  }

  void export_function(const std::string& name, uint32_t function) {
    module.add(wasm::testing::kExport, bytes(name.c_str(), 0x00, unsigned_leb(function)));
  }
  uint32_t global(const ByteVector& initial, bool is_mutable = false) {
    return imported_globals_ +
           module.add(wasm::testing::kGlobal, bytes(ValueType::i32, is_mutable ? 1 : 0, initial, Opcode::end));
  }
  void export_global(const std::string& name, uint32_t index) {
    module.add(wasm::testing::kExport, bytes(name.c_str(), 0x03, unsigned_leb(index)));
  }
  /// A data symbol: its offset from the memory base.
  void export_data(const std::string& name, int32_t offset) {
    export_global(name, global(bytes(Opcode::i32_const, signed_leb(offset))));
  }
  /// A function () -> i32 that returns a constant.
  void define(const std::string& name, int32_t value) {
    export_function(name, module.function(gives_i32, bytes(Opcode::i32_const, signed_leb(value))));
  }

  [[nodiscard]] ByteVector build() const {
    const auto names = [](const std::vector<std::string>& list) {
      ByteVector content = unsigned_leb(list.size());
      for (const std::string& name : list) {
        append(content, name.c_str());
      }
      return content;
    };
    ByteVector imports = unsigned_leb(weak_imports.size());
    for (const std::string& name : weak_imports) {
      append(imports, bytes("env", name.c_str(), unsigned_leb(wasm::kSymbolBindingWeak | wasm::kSymbolUndefined)));
    }
    ByteVector exports = unsigned_leb(thread_local_exports.size());
    for (const std::string& name : thread_local_exports) {
      append(exports, bytes(name.c_str(), unsigned_leb(wasm::kSymbolTls)));
    }
    const ByteVector content =
        bytes(1,
              sized(bytes(unsigned_leb(memory_size), unsigned_leb(memory_alignment), unsigned_leb(table_size),
                          unsigned_leb(table_alignment))),
              2, sized(names(needed)), 3, sized(exports), 4, sized(imports), 5, sized(names(runtime_path)));
    wasm::testing::ModuleBuilder whole = module;
    whole.front(wasm::testing::custom_section("dylink.0", content));
    return whole.build();
  }

 private:
  uint32_t imported_globals_ = 0;
};

/// A position-independent main module, without anything but what makes it one.
inline Library make_main(std::vector<std::string> needed) {
  Library main;
  main.needed = std::move(needed);
  main.import_bases();
  return main;
}

/// A directory that is gone when the test is over.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tenon-link-XXXXXX").string();
    path_ = std::filesystem::canonical(mkdtemp(pattern.data())).string();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  /// Writes a file, and the directories above it.
  std::string write(const std::string& name, const ByteVector& content) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream stream(file, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    return file.string();
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::filesystem::create_symlink(target, path(name));
  }

 private:
  std::string path_;
};

}  // namespace tenon::link::testing
