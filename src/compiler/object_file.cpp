#include "compiler/object_file.h"

#include <cstring>

#include "base/reader.h"

namespace tenon::compiler {

using namespace llvm::ELF;

bool ObjectFile::is_elf() const {
  constexpr char kStart[] = {'\x7f', 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB};
  return bytes_.size() >= sizeof(Elf64_Ehdr) && std::memcmp(bytes_.data(), kStart, sizeof kStart) == 0;
}

std::span<Elf64_Shdr> ObjectFile::sections() {
  const auto& header = *at<Elf64_Ehdr>(0);
  auto* const first = at<Elf64_Shdr>(header.e_shoff);
  return {first, header.e_shnum != 0 ? header.e_shnum : first->sh_size};
}

std::string_view ObjectFile::name(const Elf64_Shdr& section) {
  const auto& header = *at<Elf64_Ehdr>(0);
  const std::span<Elf64_Shdr> all = sections();
  return text(all[header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : all[0].sh_link], section.sh_name);
}

std::string_view ObjectFile::text(const Elf64_Shdr& strings, uint32_t offset) {
  return at<char>(strings.sh_offset + offset);
}

std::span<uint8_t> ObjectFile::content(const Elf64_Shdr& section) {
  return {at<uint8_t>(section.sh_offset), section.sh_size};
}

std::span<Elf64_Sym> ObjectFile::symbols(const Elf64_Shdr& section) {
  return {at<Elf64_Sym>(section.sh_offset), section.sh_size / sizeof(Elf64_Sym)};
}

std::vector<uint64_t> ObjectFile::frame_sizes() {
  std::vector<uint64_t> sizes;
  for (const Elf64_Shdr& section : sections()) {
    if (name(section) == ".stack_sizes") {
      base::Reader reader(content(section));
      while (reader.ok() && !reader.at_end()) {
        (void)reader.u64_fixed();  // the function, once it is linked
        sizes.push_back(reader.u64());
      }
    }
  }
  return sizes;
}

}  // namespace tenon::compiler
