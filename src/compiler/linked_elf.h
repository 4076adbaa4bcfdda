// A linked image as its ELF headers describe it: what of it goes into the file, and whether it is what it must be.
#pragma once

#include <llvm/Object/ELF.h>
#include <llvm/Object/ObjectFile.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi/image.h"
#include "base/reader.h"
#include "base/result.h"

namespace tenon::compiler {

/// A section that is for tools only, to be added to a file.
struct ToolSection {
  std::string name;
  std::vector<uint8_t> bytes;
  uint64_t entry_size = 0;
  uint32_t flags = 0;
};

class LinkedElf {
 public:
  struct Symbol {
    uint64_t address = 0;
    uint64_t size = 0;
  };

  /// Looks at `bytes`, which must stay. Errors: what is checked here are mistakes of the compiler: relocations,
  /// undefined symbols, file offsets that are not addresses, memory that could be written.
  [[nodiscard]] static Result<LinkedElf> open(base::Bytes bytes);

  /// Functions by name.
  [[nodiscard]] const std::unordered_map<std::string_view, Symbol>& functions() const { return functions_; }
  /// Where code is.
  [[nodiscard]] abi::FileRange text() const { return text_; }
  [[nodiscard]] abi::FileRange frames() const { return frames_; }
  /// Content of a section, empty if there is none of that name.
  [[nodiscard]] base::Bytes section(std::string_view name) const;
  [[nodiscard]] const llvm::object::ObjectFile& object() const { return *object_; }

  /// The file without what is only for the compiler: what is loaded, the symbols, and `added`. The last page of code is
  /// filled up, so that there is nothing else in it.
  [[nodiscard]] std::vector<uint8_t> without_leftovers(std::span<const ToolSection> added, unsigned page_size) const;

 private:
  using File = llvm::object::ELFFile<llvm::object::ELF64LE>;

  LinkedElf() = default;
  Result<> check_segments();
  Result<> check_symbols();
  Result<> check_sections();

  base::Bytes bytes_;
  std::unique_ptr<llvm::object::ObjectFile> object_;
  std::optional<File> file_;
  std::vector<llvm::object::ELF64LE::Shdr> sections_;
  std::vector<std::string_view> names_;
  std::unordered_map<std::string_view, Symbol> functions_;
  abi::FileRange text_;
  abi::FileRange frames_;
  uint64_t loaded_ = 0;  ///< bytes of the file that are loaded, from its start
};

}  // namespace tenon::compiler
