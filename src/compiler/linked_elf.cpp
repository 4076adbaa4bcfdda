#include "compiler/linked_elf.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/align.h"

namespace tenon::compiler {

namespace {

using namespace llvm::ELF;

std::string_view view(llvm::StringRef text) {
  return {text.data(), text.size()};
}

template <class T>
Result<T> checked(llvm::Expected<T> value) {
  if (!value) {
    return fail(ErrorKind::invalid, "internal error: the linker's output is not ELF: {}",
                llvm::toString(value.takeError()));
  }
  return std::move(*value);
}

bool is_kept(const llvm::object::ELF64LE::Shdr& section, std::string_view name) {
  return section.sh_type == SHT_NULL || (section.sh_flags & SHF_ALLOC) != 0 || section.sh_type == SHT_SYMTAB ||
         name == ".strtab" || name == ".shstrtab";
}

template <class T>
void append(std::vector<uint8_t>& bytes, const T& value) {
  const auto* first = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), first, first + sizeof value);
}

}  // namespace

Result<LinkedElf> LinkedElf::open(base::Bytes bytes) {
  LinkedElf elf;
  elf.bytes_ = bytes;
  const llvm::StringRef text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  elf.object_ = TENON_TRY(checked(llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(text, "image"))));
  elf.file_ = TENON_TRY(checked(File::create(text)));
  const File& file = *elf.file_;
  for (const auto& section : TENON_TRY(checked(file.sections()))) {
    elf.sections_.push_back(section);
    elf.names_.push_back(view(TENON_TRY(checked(file.getSectionName(section)))));
  }
  TENON_CHECK(elf.check_sections());
  TENON_CHECK(elf.check_segments());
  TENON_CHECK(elf.check_symbols());
  return elf;
}

Result<> LinkedElf::check_sections() {
  for (size_t index = 0; index != sections_.size(); ++index) {
    const auto& section = sections_[index];
    if (section.sh_type == SHT_RELA || section.sh_type == SHT_REL || section.sh_type == SHT_RELR) {
      if (section.sh_size != 0) {
        return fail(ErrorKind::invalid, "internal error: the image has relocations ({}, {} bytes)", names_[index],
                    uint64_t{section.sh_size});
      }
    }
    if ((section.sh_flags & SHF_ALLOC) != 0 && (section.sh_flags & (SHF_WRITE | SHF_TLS)) != 0) {
      return fail(ErrorKind::invalid, "internal error: the image has data that could be written ({}, {} bytes)",
                  names_[index], uint64_t{section.sh_size});
    }
    if (names_[index] == ".eh_frame_hdr") {
      frames_ = {.offset = section.sh_offset, .size = section.sh_size};
    }
  }
  return {};
}

Result<> LinkedElf::check_segments() {
  for (const auto& segment : TENON_TRY(checked(file_->program_headers()))) {
    if (segment.p_type == PT_TLS) {
      return fail(ErrorKind::invalid, "internal error: the image has thread-local data");
    }
    if (segment.p_type != PT_LOAD) {
      continue;
    }
    if (segment.p_offset != segment.p_vaddr || segment.p_filesz != segment.p_memsz || (segment.p_flags & PF_W) != 0) {
      return fail(ErrorKind::invalid,
                  "internal error: the image is not loaded as it is: {} bytes at offset {:#x} go to {} bytes at {:#x}",
                  uint64_t{segment.p_filesz}, uint64_t{segment.p_offset}, uint64_t{segment.p_memsz},
                  uint64_t{segment.p_vaddr});
    }
    loaded_ = std::max(loaded_, uint64_t{segment.p_offset} + segment.p_filesz);
    if ((segment.p_flags & PF_X) != 0) {
      if (text_.size != 0) {
        return fail(ErrorKind::invalid, "internal error: the image's code is in two places");
      }
      text_ = {.offset = segment.p_offset, .size = segment.p_filesz};
    }
  }
  if (loaded_ > bytes_.size()) {
    return fail(ErrorKind::invalid, "internal error: the linker's output is truncated");
  }
  if (loaded_ > INT32_MAX) {
    return fail(ErrorKind::limit, "the module is too large to compile: {} bytes of code and data", loaded_);
  }
  return {};
}

Result<> LinkedElf::check_symbols() {
  const File& file = *file_;
  for (const auto& section : sections_) {
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) {
      continue;
    }
    const llvm::StringRef strings = TENON_TRY(checked(file.getStringTableForSymtab(section)));
    const auto symbols = TENON_TRY(checked(file.symbols(&section)));
    for (size_t index = 1; index < symbols.size(); ++index) {
      const auto& symbol = symbols[index];
      const llvm::StringRef name = TENON_TRY(checked(symbol.getName(strings)));
      if (symbol.st_shndx == SHN_UNDEF) {
        return fail(ErrorKind::invalid, "internal error: the image needs `{}`", view(name));
      }
      if (symbol.getType() == STT_FUNC && section.sh_type == SHT_SYMTAB) {
        functions_.emplace(view(name), Symbol{.address = symbol.st_value, .size = symbol.st_size});
      }
    }
  }
  return {};
}

base::Bytes LinkedElf::section(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) {
    return {};
  }
  const auto& section = sections_[static_cast<size_t>(found - names_.begin())];
  return bytes_.subspan(section.sh_offset, section.sh_size);
}

std::vector<uint8_t> LinkedElf::without_leftovers(std::span<const ToolSection> added, unsigned page_size) const {
  const auto page_exponent = static_cast<uint32_t>(std::countr_zero(page_size));
  std::vector<uint8_t> result(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(loaded_));
  result.resize(std::max(result.size(), base::align(text_.offset + text_.size, page_exponent)));

  // The sections that stay keep their order; their numbers change.
  std::vector<llvm::object::ELF64LE::Shdr> kept;
  std::vector<uint32_t> new_index(sections_.size(), 0);
  for (size_t index = 0; index != sections_.size(); ++index) {
    if (is_kept(sections_[index], names_[index])) {
      new_index[index] = static_cast<uint32_t>(kept.size());
      kept.push_back(sections_[index]);
    }
  }
  std::string section_names(1, '\0');
  const auto add_name = [&](std::string_view name) {
    const auto offset = static_cast<uint32_t>(section_names.size());
    section_names.append(name).push_back('\0');
    return offset;
  };
  const auto place = [&](llvm::object::ELF64LE::Shdr& header, base::Bytes content, uint32_t exponent) {
    result.resize(base::align(result.size(), exponent));
    header.sh_offset = result.size();
    header.sh_size = content.size();
    result.insert(result.end(), content.begin(), content.end());
  };
  constexpr uint32_t kWord = 3;  // aligned to eight bytes
  size_t names_section = 0;
  for (size_t index = 0; index != sections_.size(); ++index) {
    const auto& section = sections_[index];
    if (!is_kept(section, names_[index]) || section.sh_type == SHT_NULL) {
      continue;
    }
    auto& header = kept[new_index[index]];
    header.sh_name = add_name(names_[index]);
    header.sh_link = section.sh_link < new_index.size() ? new_index[section.sh_link] : 0;
    if ((section.sh_flags & SHF_ALLOC) != 0) {
      continue;
    }
    if (names_[index] == ".shstrtab") {
      names_section = new_index[index];
      continue;
    }
    std::vector<uint8_t> content(bytes_.begin() + static_cast<ptrdiff_t>(section.sh_offset),
                                 bytes_.begin() + static_cast<ptrdiff_t>(section.sh_offset + section.sh_size));
    if (section.sh_type == SHT_SYMTAB) {
      for (size_t offset = 0; offset + sizeof(Elf64_Sym) <= content.size(); offset += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        std::memcpy(&symbol, content.data() + offset, sizeof symbol);
        if (symbol.st_shndx < new_index.size()) {
          symbol.st_shndx = static_cast<uint16_t>(new_index[symbol.st_shndx]);
        }
        std::memcpy(content.data() + offset, &symbol, sizeof symbol);
      }
    }
    place(header, content, kWord);
  }
  for (const ToolSection& section : added) {
    Elf64_Shdr plain{};
    plain.sh_type = SHT_PROGBITS;
    plain.sh_flags = section.flags;
    plain.sh_entsize = section.entry_size;
    plain.sh_addralign = 1;
    plain.sh_name = add_name(section.name);
    llvm::object::ELF64LE::Shdr header;
    static_assert(sizeof header == sizeof plain);
    std::memcpy(&header, &plain, sizeof plain);
    place(header, section.bytes, 0);
    kept.push_back(header);
  }
  place(kept[names_section], {reinterpret_cast<const uint8_t*>(section_names.data()), section_names.size()}, 0);

  result.resize(base::align(result.size(), kWord));
  Elf64_Ehdr header;
  std::memcpy(&header, result.data(), sizeof header);
  header.e_shoff = result.size();
  header.e_shnum = static_cast<uint16_t>(kept.size());
  header.e_shstrndx = static_cast<uint16_t>(names_section);
  std::memcpy(result.data(), &header, sizeof header);
  for (const auto& section : kept) {
    append(result, section);
  }
  return result;
}

}  // namespace tenon::compiler
