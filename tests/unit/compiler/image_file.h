// An image as its bytes say it is: read back by the words of abi/image.h and of ELF, with nothing of the compiler's.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "abi/image.h"
#include "base/reader.h"

namespace tenon::compiler::testing {

class ImageFile {
 public:
  explicit ImageFile(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
    EXPECT_GE(bytes_.size(), sizeof trailer_ + sizeof(Elf64_Ehdr));
    std::memcpy(&trailer_, bytes_.data() + bytes_.size() - sizeof trailer_, sizeof trailer_);
  }

  [[nodiscard]] const abi::ImageTrailer& trailer() const { return trailer_; }
  [[nodiscard]] base::Bytes bytes() const { return bytes_; }
  [[nodiscard]] base::Bytes part(abi::FileRange range) const {
    EXPECT_LE(range.offset + range.size, bytes_.size() - sizeof trailer_);
    return base::Bytes(bytes_).subspan(range.offset, range.size);
  }

  [[nodiscard]] Elf64_Ehdr header() const { return at<Elf64_Ehdr>(0); }
  [[nodiscard]] std::vector<Elf64_Phdr> segments() const {
    return table<Elf64_Phdr>(header().e_phoff, header().e_phnum);
  }
  [[nodiscard]] std::vector<Elf64_Shdr> sections() const {
    return table<Elf64_Shdr>(header().e_shoff, header().e_shnum);
  }
  [[nodiscard]] std::string text(const Elf64_Shdr& strings, uint32_t offset) const {
    return reinterpret_cast<const char*>(bytes_.data()) + strings.sh_offset + offset;
  }
  [[nodiscard]] std::map<std::string, Elf64_Shdr> named_sections() const {
    std::map<std::string, Elf64_Shdr> result;
    const std::vector<Elf64_Shdr> all = sections();
    for (const Elf64_Shdr& section : all) {
      result.emplace(text(all[header().e_shstrndx], section.sh_name), section);
    }
    return result;
  }
  struct Symbol {
    std::string name;
    Elf64_Sym entry;
  };
  /// Without the empty first ones, and those of files.
  [[nodiscard]] std::vector<Symbol> symbols() const {
    std::vector<Symbol> result;
    const std::vector<Elf64_Shdr> all = sections();
    for (const Elf64_Shdr& section : all) {
      if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) {
        const auto entries = table<Elf64_Sym>(section.sh_offset, section.sh_size / sizeof(Elf64_Sym));
        for (const Elf64_Sym& entry : std::span(entries).subspan(1)) {
          if (ELF64_ST_TYPE(entry.st_info) != STT_FILE) {
            result.push_back({.name = text(all[section.sh_link], entry.st_name), .entry = entry});
          }
        }
      }
    }
    return result;
  }
  [[nodiscard]] std::vector<uint32_t> functions() const {
    return table<uint32_t>(trailer_.functions.offset, trailer_.functions.size / sizeof(uint32_t));
  }

  struct Position {
    uint32_t address;
    uint32_t offset;
  };
  /// The entries of one function, whose body starts at `body_offset` of the module.
  [[nodiscard]] std::vector<Position> positions(size_t function, uint32_t body_offset) const {
    const base::Bytes all = part(trailer_.positions);
    const size_t index_size = (size_t{trailer_.function_count} + 1) * sizeof(uint32_t);
    const auto index = table<uint32_t>(trailer_.positions.offset, size_t{trailer_.function_count} + 1);
    EXPECT_LE(index[function], index[function + 1]);
    EXPECT_LE(index_size + index[function + 1], all.size());
    base::Reader reader(all.subspan(index_size + index[function], index[function + 1] - index[function]));
    Position at{.address = functions()[function], .offset = body_offset};
    std::vector<Position> result;
    while (reader.ok() && !reader.at_end()) {
      at.address += reader.u32();
      const uint64_t difference = reader.u64();
      at.offset += static_cast<uint32_t>((difference & 1) != 0 ? 0 - difference / 2 : difference / 2);
      result.push_back(at);
    }
    EXPECT_TRUE(reader.ok());
    return result;
  }

  template <class T>
  [[nodiscard]] T at(uint64_t offset) const {
    T value{};
    EXPECT_LE(offset + sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

 private:
  template <class T>
  [[nodiscard]] std::vector<T> table(uint64_t offset, size_t count) const {
    std::vector<T> values(count);
    EXPECT_LE(offset + count * sizeof(T), bytes_.size());
    std::memcpy(values.data(), bytes_.data() + offset, count * sizeof(T));
    return values;
  }

  std::vector<uint8_t> bytes_;
  abi::ImageTrailer trailer_;
};

}  // namespace tenon::compiler::testing
