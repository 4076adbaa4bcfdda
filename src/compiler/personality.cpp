#include "compiler/personality.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstring>
#include <span>
#include <string_view>

#include "base/reader.h"

namespace tenon::compiler {

namespace {

constexpr std::string_view kName = "__gxx_personality_v0";
constexpr std::string_view kReference = "DW.ref.__gxx_personality_v0";
constexpr std::string_view kReferenceSection = ".data.DW.ref.__gxx_personality_v0";

/// An object of this process's own making: offsets are trusted as far as they stay inside, which span checks.
class Object {
 public:
  explicit Object(ObjectBytes& bytes) : bytes_(bytes) {}

  [[nodiscard]] bool is_object() const {
    return bytes_.size() >= sizeof(llvm::ELF::Elf64_Ehdr) && std::memcmp(bytes_.data(),
                                                                         "\x7f"
                                                                         "ELF\2\1",
                                                                         6) == 0;
  }
  [[nodiscard]] std::span<llvm::ELF::Elf64_Shdr> sections() {
    const auto& header = *at<llvm::ELF::Elf64_Ehdr>(0);
    const auto* first = at<llvm::ELF::Elf64_Shdr>(header.e_shoff);
    const size_t count = header.e_shnum != 0 ? header.e_shnum : first->sh_size;
    return {at<llvm::ELF::Elf64_Shdr>(header.e_shoff), count};
  }
  [[nodiscard]] llvm::ELF::Elf64_Shdr& names() {
    const auto& header = *at<llvm::ELF::Elf64_Ehdr>(0);
    const size_t index = header.e_shstrndx != llvm::ELF::SHN_XINDEX ? header.e_shstrndx : sections()[0].sh_link;
    return sections()[index];
  }
  [[nodiscard]] std::string_view text(const llvm::ELF::Elf64_Shdr& strings, uint32_t offset) {
    return at<char>(strings.sh_offset + offset);
  }
  template <class T>
  [[nodiscard]] T* at(uint64_t offset) {
    return reinterpret_cast<T*>(bytes_.data() + offset);
  }
  [[nodiscard]] std::span<uint8_t> content(const llvm::ELF::Elf64_Shdr& section) {
    return {at<uint8_t>(section.sh_offset), section.sh_size};
  }

 private:
  ObjectBytes& bytes_;
};

/// Where the encoding of the personality is in the CIE whose version starts `cie`; 0 if it has none.
size_t personality_encoding(std::span<const uint8_t> cie) {
  base::Reader reader(cie);
  const uint8_t version = reader.u8();
  const size_t augmentation = reader.position();
  while (reader.ok() && reader.u8() != 0) {
  }
  const std::string_view letters(reinterpret_cast<const char*>(cie.data()) + augmentation);
  (void)reader.u64();
  (void)reader.s64();
  (void)(version == 1 ? reader.u8() : reader.u64());
  if (!letters.starts_with('z')) {
    return 0;
  }
  (void)reader.u64();
  for (const char letter : letters.substr(1)) {
    if (letter == 'P') {
      return reader.ok() ? reader.position() : 0;
    }
    reader.skip(letter == 'L' || letter == 'R' ? 1 : 0);
  }
  return 0;
}

void make_direct(std::span<uint8_t> frames) {
  constexpr uint8_t kIndirect = 0x80;
  for (size_t offset = 0; offset + 8 <= frames.size();) {
    uint32_t length = 0;
    uint32_t id = 0;
    std::memcpy(&length, frames.data() + offset, sizeof length);
    std::memcpy(&id, frames.data() + offset + 4, sizeof id);
    if (length == 0 || length > frames.size() - offset - 4) {
      return;
    }
    if (id == 0) {
      const std::span<uint8_t> cie = frames.subspan(offset + 8, length - 4);
      if (const size_t at = personality_encoding(cie); at != 0) {
        cie[at] &= static_cast<uint8_t>(~kIndirect);
      }
    }
    offset += 4 + length;
  }
}

}  // namespace

void define_personality(llvm::Module& module) {
  llvm::LLVMContext& context = module.getContext();
  llvm::Type* result = llvm::Type::getInt32Ty(context);
  llvm::Function* routine = module.getFunction(llvm::StringRef(kName));
  if (routine == nullptr) {
    routine = llvm::Function::Create(llvm::FunctionType::get(result, true), llvm::GlobalValue::ExternalLinkage,
                                     llvm::StringRef(kName), module);
  } else {
    routine->removeFromParent();
    module.getFunctionList().push_back(routine);
  }
  routine->setVisibility(llvm::GlobalValue::HiddenVisibility);
  routine->setDSOLocal(true);
  routine->setUWTableKind(llvm::UWTableKind::Async);
  routine->setDoesNotThrow();
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", routine));
  constexpr int kContinueUnwind = 8;
  builder.CreateRet(llvm::ConstantInt::get(result, kContinueUnwind));
}

Result<> refer_to_personality_directly(ObjectBytes& bytes) {
  using namespace llvm::ELF;
  Object object(bytes);
  if (!object.is_object()) {
    return fail(ErrorKind::invalid, "internal error: LLVM made no ELF object");
  }
  bool has_reference = false;
  for (Elf64_Shdr& section : object.sections()) {
    if (object.text(object.names(), section.sh_name) == kReferenceSection) {
      section.sh_flags |= SHF_EXCLUDE;
      has_reference = true;
    }
  }
  if (!has_reference) {
    return {};
  }
  for (const Elf64_Shdr& section : object.sections()) {
    if (section.sh_type == SHT_SYMTAB) {
      const Elf64_Shdr& strings = object.sections()[section.sh_link];
      auto* symbols = object.at<Elf64_Sym>(section.sh_offset);
      for (Elf64_Sym& symbol : std::span(symbols, section.sh_size / sizeof(Elf64_Sym))) {
        if (object.text(strings, symbol.st_name) == kReference) {
          symbol.st_name += kReference.size() - kName.size();
          symbol.setBindingAndType(STB_GLOBAL, STT_NOTYPE);
          symbol.st_other = STV_HIDDEN;
          symbol.st_shndx = SHN_UNDEF;
          symbol.st_value = 0;
          symbol.st_size = 0;
        }
      }
    } else if (object.text(object.names(), section.sh_name) == ".eh_frame") {
      make_direct(object.content(section));
    }
  }
  return {};
}

}  // namespace tenon::compiler
