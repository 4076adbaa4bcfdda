// The files that the compiler makes: ELF that can be mapped as it is, and a trailer that says what is where.
#include "compiler/compile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "abi/checksum.h"
#include "abi/cpu.h"
#include "base/sha256.h"
#include "unit/compiler/image_file.h"
#include "unit/wasm/module_builder.h"

namespace tenon::compiler {
namespace {

using testing::ImageFile;
using namespace wasm::testing;
using wasm::Opcode;
using wasm::ValueType;

constexpr uint32_t kFunctions = 40;
constexpr size_t kPieces = 250;

std::shared_ptr<const wasm::Module> decoded(const ByteVector& bytes) {
  auto module = wasm::decode_and_validate(base::FileBytes::own(bytes), "test.wasm");
  if (!module) {
    ADD_FAILURE() << module.error().message;
    return nullptr;
  }
  return *module;
}

/// So many functions, and so large, that they are not compiled as one.
std::shared_ptr<const wasm::Module> large_module() {
  ModuleBuilder builder;
  const uint32_t type = builder.type({ValueType::i32}, {ValueType::i32});
  builder.import_function("env", "imported", type);
  for (uint32_t index = 0; index != kFunctions; ++index) {
    const ByteVector piece = bytes(Opcode::local_get, 0, Opcode::i32_const, 3, Opcode::i32_add, Opcode::local_set, 0);
    builder.function(type, bytes(repeat(kPieces, piece), Opcode::local_get, 0));
  }
  return decoded(builder.build());
}

std::shared_ptr<const wasm::Module> empty_module() {
  return decoded(ModuleBuilder().build());
}

ImageFile compiled(const wasm::Module& module, const CompileOptions& options) {
  auto image = compile(module, {}, options);
  if (!image) {
    ADD_FAILURE() << image.error().message;
    return ImageFile(std::vector<uint8_t>(4096));
  }
  return ImageFile(std::move(*image));
}

/// What must be so for each target and level.
class CompileTest : public ::testing::TestWithParam<std::pair<const char*, unsigned>> {
 protected:
  CompileTest() : module_(large_module()), image_(image_of(*module_)) {}

  /// One image for all tests of one target and level.
  static const ImageFile& image_of(const wasm::Module& module) {
    static std::map<std::pair<std::string, unsigned>, ImageFile> images;
    const auto [target, level] = GetParam();
    const auto found = images.find({target, level});
    return found != images.end() ? found->second
                                 : images.emplace(std::pair(target, level), compiled(module, options())).first->second;
  }

  static CompileOptions options() {
    CompileOptions result;
    result.target = GetParam().first;
    result.level = GetParam().second;
    result.cpu = "generic";
    return result;
  }

  std::shared_ptr<const wasm::Module> module_;
  const ImageFile& image_;
};

INSTANTIATE_TEST_SUITE_P(Targets, CompileTest,
                         ::testing::Values(std::pair("x86_64", 0U), std::pair("x86_64", 2U), std::pair("aarch64", 0U),
                                           std::pair("aarch64", 2U)),
                         [](const auto& info) {
                           return std::string(info.param.first) + "_O" + std::to_string(info.param.second);
                         });

TEST_P(CompileTest, HasNoRelocations) {
  for (const auto& [name, section] : image_.named_sections()) {
    EXPECT_TRUE(section.sh_type != SHT_REL && section.sh_type != SHT_RELA && section.sh_type != SHT_RELR) << name;
  }
}

TEST_P(CompileTest, NeedsNoSymbols) {
  for (const ImageFile::Symbol& symbol : image_.symbols()) {
    EXPECT_NE(symbol.entry.st_shndx, SHN_UNDEF) << symbol.name;
  }
}

TEST_P(CompileTest, IsLoadedAsItIs) {
  size_t loaded = 0;
  for (const Elf64_Phdr& segment : image_.segments()) {
    if (segment.p_type == PT_LOAD) {
      ++loaded;
      EXPECT_EQ(segment.p_offset, segment.p_vaddr);
      EXPECT_EQ(segment.p_filesz, segment.p_memsz);
      EXPECT_EQ(segment.p_flags & PF_W, 0U);
    }
  }
  EXPECT_GE(loaded, 2U);
}

TEST_P(CompileTest, CodeHasPagesOfItsOwn) {
  const uint64_t page = GetParam().first == std::string("x86_64") ? 4096 : 65536;
  const abi::FileRange text = image_.trailer().text;
  EXPECT_EQ(text.offset % page, 0U);
  EXPECT_EQ(text.size % page, 0U);
  EXPECT_NE(text.size, 0U);
  for (const auto& [name, section] : image_.named_sections()) {
    if (section.sh_type != SHT_NULL && name != ".text") {
      EXPECT_TRUE(section.sh_offset + section.sh_size <= text.offset || section.sh_offset >= text.offset + text.size)
          << name;
    }
  }
}

TEST_P(CompileTest, OnlySectionsThatSomebodyReadsAreLeft) {
  const auto sections = image_.named_sections();
  EXPECT_TRUE(sections.contains(".symtab"));
  EXPECT_FALSE(sections.contains(".debug_line"));
  EXPECT_FALSE(sections.contains(".stack_sizes"));
  EXPECT_FALSE(sections.contains(".comment"));
}

TEST_P(CompileTest, FunctionsAscendAndHaveSymbols) {
  const std::vector<uint32_t> functions = image_.functions();
  ASSERT_EQ(image_.trailer().function_count, kFunctions);
  ASSERT_EQ(functions.size(), kFunctions + 1);
  EXPECT_TRUE(std::ranges::is_sorted(functions));
  const abi::FileRange text = image_.trailer().text;
  EXPECT_GE(functions.front(), text.offset);
  EXPECT_LE(functions.back(), text.offset + text.size);
  const auto symbols = image_.symbols();
  for (uint32_t index = 0; index != kFunctions; ++index) {
    const auto found = std::ranges::find_if(symbols, [&](const ImageFile::Symbol& symbol) {
      return symbol.entry.st_value == functions[index] && ELF64_ST_TYPE(symbol.entry.st_info) == STT_FUNC;
    });
    ASSERT_NE(found, symbols.end()) << index;
    EXPECT_LE(found->entry.st_value + found->entry.st_size, functions[index + 1]);
    EXPECT_NE(found->name.find(module_->function_name(index + 1)), std::string::npos) << found->name;
  }
}

TEST_P(CompileTest, PositionsAreInstructionsOfTheFunction) {
  for (uint32_t index = 0; index != kFunctions; ++index) {
    const wasm::Function& function = module_->functions[index + 1];
    const std::vector<ImageFile::Position> positions = image_.positions(index, function.body_offset);
    EXPECT_FALSE(positions.empty()) << index;
    for (const ImageFile::Position& position : positions) {
      EXPECT_GE(position.address, image_.functions()[index]);
      EXPECT_LT(position.address, image_.functions()[index + 1]);
      EXPECT_GE(position.offset, function.body_offset);
      EXPECT_LT(position.offset, function.body_offset + function.body_size);
    }
  }
}

TEST_P(CompileTest, FramesAreIndexed) {
  // Version 1; the pointer to .eh_frame and the count as 32 bits; a table relative to its start.
  const base::Bytes frames = image_.part(image_.trailer().frames);
  ASSERT_GE(frames.size(), 12U);
  EXPECT_EQ((std::vector<uint8_t>(frames.begin(), frames.begin() + 4)), (std::vector<uint8_t>{1, 0x1b, 0x03, 0x3b}));
  EXPECT_GE(image_.at<uint32_t>(image_.trailer().frames.offset + 8), kFunctions);
}

TEST_P(CompileTest, TrailerIsThatOfTheFile) {
  const abi::ImageTrailer& trailer = image_.trailer();
  EXPECT_EQ(trailer.magic, abi::kImageMagic);
  EXPECT_EQ(trailer.abi_version, abi::kAbiVersion);
  EXPECT_EQ(trailer.file_size, image_.bytes().size());
  EXPECT_EQ(trailer.level, GetParam().second);
  EXPECT_EQ(trailer.architecture,
            GetParam().first == std::string("x86_64") ? abi::Architecture::x86_64 : abi::Architecture::aarch64);
  EXPECT_EQ(std::string(trailer.cpu.data()), "generic");
  const base::Bytes content = image_.bytes().first(image_.bytes().size() - sizeof trailer);
  EXPECT_EQ(trailer.content_hash, base::sha256(base::FileBytes::borrow(content)));
  uint64_t checksum = abi::checksum(image_.part(trailer.checked));
  checksum = abi::checksum(image_.bytes().subspan(content.size(), offsetof(abi::ImageTrailer, checksum)), checksum);
  EXPECT_EQ(trailer.checksum, checksum);
  EXPECT_EQ(trailer.functions.offset % 8, 0U);
  EXPECT_EQ(trailer.positions.offset % 8, 0U);
  EXPECT_EQ(trailer.module.offset % 8, 0U);
}

TEST_P(CompileTest, ThreadsDoNotChangeIt) {
  for (const unsigned threads : {1U, 3U}) {
    CompileOptions other = options();
    other.threads = threads;
    EXPECT_TRUE(std::ranges::equal(compiled(*module_, other).bytes(), image_.bytes())) << threads;
  }
}

TEST(Compile, ModuleWithoutFunctions) {
  const ImageFile image = compiled(*empty_module(), {});
  EXPECT_EQ(image.trailer().function_count, 0U);
  EXPECT_EQ(image.functions().size(), 1U);
  EXPECT_NE(image.trailer().text.size, 0U);
}

TEST(Compile, FramesLargerThanTheEmitterThoughtAreCheckedFor) {
  // Without optimisation, each value that lives across a call has a place of its own in the frame.
  constexpr size_t kValues = 4000;
  ModuleBuilder builder;
  const uint32_t type = builder.type({ValueType::i64}, {ValueType::i64});
  const uint32_t called = builder.import_function("env", "called", type);
  const ByteVector piece = bytes(Opcode::local_get, 0, Opcode::i64_const, 3, Opcode::i64_xor, Opcode::local_get, 0,
                                 Opcode::call, called, Opcode::i64_add, Opcode::local_set, 0);
  builder.function(type, bytes(repeat(kValues, piece), Opcode::local_get, 0));
  CompileOptions options;
  options.level = 0;
  for (const char* target : {"x86_64", "aarch64"}) {
    options.target = target;
    EXPECT_EQ(compiled(*decoded(builder.build()), options).trailer().function_count, 1U);
  }
}

TEST(Compile, NotesWhereTheModuleIsFrom) {
  const ModuleOrigin origin{.hash = {1, 2, 3}, .size = 4, .changed_ns = 5, .device = 6, .inode = 7};
  CompileOptions options;
  options.code = {.checks = abi::BoundsChecks::explicit_checks, .check_stack = true};
  auto bytes = compile(*empty_module(), origin, options);
  ASSERT_TRUE(bytes);
  const abi::ImageTrailer trailer = ImageFile(*bytes).trailer();
  EXPECT_EQ(trailer.module_hash, origin.hash);
  EXPECT_EQ(trailer.module_size, 4U);
  EXPECT_EQ(trailer.module_changed_ns, 5);
  EXPECT_EQ(trailer.module_device, 6U);
  EXPECT_EQ(trailer.module_inode, 7U);
  EXPECT_EQ(trailer.checks, abi::BoundsChecks::explicit_checks);
  EXPECT_EQ(trailer.check_stack, 1);
}

TEST(Compile, ReportsProgress) {
  CompileOptions options;
  size_t last = 0;
  size_t whole = 0;
  options.progress = [&](size_t done, size_t total) {
    EXPECT_GT(done, last);
    last = done;
    whole = total;
  };
  (void)compiled(*large_module(), options);
  EXPECT_EQ(last, whole);
  EXPECT_GT(whole, kFunctions * kPieces);
}

TEST(Compile, HostHasWhatNativeNeeds) {
  const abi::ImageTrailer native = compiled(*empty_module(), {}).trailer();
  EXPECT_EQ(native.architecture, abi::kHostArchitecture);
  EXPECT_TRUE(abi::has_all(abi::host_cpu_features(), native.cpu_features));
  CompileOptions options;
  options.cpu = "generic";
  EXPECT_EQ(compiled(*empty_module(), options).trailer().cpu_features, abi::CpuFeatures{});
}

TEST(Compile, ProcessorDecidesWhatTheHostMustHave) {
  CompileOptions options;
  options.target = "x86_64";
  options.cpu = "haswell";
  const abi::ImageTrailer trailer = compiled(*empty_module(), options).trailer();
  const auto names = abi::known_features(abi::Architecture::x86_64);
  for (const std::string_view name : {"avx2", "bmi2", "fma", "lzcnt", "popcnt"}) {
    EXPECT_TRUE(
        abi::has_feature(trailer.cpu_features, static_cast<size_t>(std::ranges::find(names, name) - names.begin())))
        << name;
  }
  EXPECT_EQ(abi::missing_features(abi::Architecture::x86_64, {}, abi::CpuFeatures{0b101}), "sse3, sse4.1");
}

struct WrongOptions {
  const char* target;
  const char* cpu;
  unsigned level;
  const char* message;
};

TEST(Compile, SaysWhatIsWrong) {
  const WrongOptions all[] = {
      {"riscv64", "native", 2, "cannot compile for `riscv64`: only for x86_64 and aarch64"},
      {"x86_64-windows", "native", 2, "only for Linux"},
      {"x86_64", "potato", 2, "there is no processor `potato`"},
      {"x86_64", "i386", 2, "no 64-bit mode"},
      {"", "native", 4, "no level 4"},
  };
  for (const WrongOptions& wrong : all) {
    CompileOptions options;
    options.target = wrong.target;
    options.cpu = wrong.cpu;
    options.level = wrong.level;
    const auto image = compile(*empty_module(), {}, options);
    ASSERT_FALSE(image) << wrong.message;
    EXPECT_EQ(image.error().kind, ErrorKind::usage);
    EXPECT_NE(image.error().message.find(wrong.message), std::string::npos) << image.error().message;
  }
}

TEST(Checksum, DependsOnEveryByteAndOnWhatWasBefore) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{31}, size_t{32}, size_t{100}}) {
    std::vector<uint8_t> bytes(size, 7);
    const uint64_t whole = abi::checksum(bytes);
    EXPECT_EQ(whole, abi::checksum(bytes));
    EXPECT_NE(whole, abi::checksum(bytes, 1));
    for (uint8_t& byte : bytes) {
      byte ^= 0x80;
      EXPECT_NE(abi::checksum(bytes), whole);
      byte ^= 0x80;
    }
    bytes.push_back(0);
    EXPECT_NE(abi::checksum(bytes), whole);
  }
}

}  // namespace
}  // namespace tenon::compiler
