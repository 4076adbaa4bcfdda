// ELF objects as LLVM made them a moment ago, in memory: to be read and changed in place before they are linked.
#pragma once

#include <llvm/BinaryFormat/ELF.h>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "compiler/pipeline.h"

namespace tenon::compiler {

/// What it says about itself is believed: it comes from this process.
class ObjectFile {
 public:
  explicit ObjectFile(ObjectBytes& bytes) : bytes_(bytes) {}

  [[nodiscard]] bool is_elf() const;
  [[nodiscard]] std::span<llvm::ELF::Elf64_Shdr> sections();
  [[nodiscard]] std::string_view name(const llvm::ELF::Elf64_Shdr& section);
  [[nodiscard]] std::string_view text(const llvm::ELF::Elf64_Shdr& strings, uint32_t offset);
  [[nodiscard]] std::span<uint8_t> content(const llvm::ELF::Elf64_Shdr& section);
  [[nodiscard]] std::span<llvm::ELF::Elf64_Sym> symbols(const llvm::ELF::Elf64_Shdr& section);

  /// The frames' sizes of all functions, in the order of their definitions.
  [[nodiscard]] std::vector<uint64_t> frame_sizes();

 private:
  template <class T>
  [[nodiscard]] T* at(uint64_t offset) {
    return reinterpret_cast<T*>(bytes_.data() + offset);
  }

  ObjectBytes& bytes_;
};

}  // namespace tenon::compiler
