#include "abi/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace tenon::abi {

namespace {

// Everything that LLVM's instruction selection can use for code without intrinsics. What is only for intrinsics (aes,
// sha, ...) has no business here.
constexpr auto kX86 = std::to_array<std::string_view>({
    "sse3",        "ssse3",        "sse4.1",       "sse4.2",
    "popcnt",      "cx16",         "sahf",         "avx",
    "avx2",        "fma",          "f16c",         "bmi",
    "bmi2",        "lzcnt",        "movbe",        "adx",
    "sse4a",       "fma4",         "xop",          "tbm",
    "gfni",        "avx512f",      "avx512cd",     "avx512dq",
    "avx512bw",    "avx512vl",     "avx512ifma",   "avx512vbmi",
    "avx512vbmi2", "avx512vnni",   "avx512bitalg", "avx512vpopcntdq",
    "avx512bf16",  "avx512fp16",   "avxvnni",      "avxifma",
    "avxvnniint8", "avxvnniint16", "avxneconvert", "cmpccxadd",
    "raoint",
});

// Not the scalable vectors: a frame with one has no size that could be checked.
constexpr auto kAarch64 = std::to_array<std::string_view>({
    "lse",     "crc",   "rdm",     "fullfp16", "dotprod", "rcpc", "rcpc-immo", "jsconv", "complxnum", "i8mm", "bf16",
    "fp16fml", "flagm", "altnzcv", "fptoint",  "lse2",    "cssc", "mops",      "aes",    "sha2",      "sha3", "sm4",
});

template <size_t kCount>
constexpr size_t index_of(const std::array<std::string_view, kCount>& names, std::string_view name) {
  size_t index = 0;
  while (names[index] != name) {  // a name that is not there does not compile
    ++index;
  }
  return index;
}

#if defined(__x86_64__)

struct CpuidBit {
  std::string_view name;
  uint32_t leaf;
  uint32_t subleaf;
  char reg;
  unsigned bit;
  enum class Needs : uint8_t { nothing, ymm, zmm } needs = Needs::nothing;  ///< registers that the kernel must save
};

constexpr auto kYmm = CpuidBit::Needs::ymm;
constexpr auto kZmm = CpuidBit::Needs::zmm;
constexpr auto kNothing = CpuidBit::Needs::nothing;

constexpr auto kBits = std::to_array<CpuidBit>({
    {"sse3", 1, 0, 'c', 0, kNothing},
    {"ssse3", 1, 0, 'c', 9, kNothing},
    {"sse4.1", 1, 0, 'c', 19, kNothing},
    {"sse4.2", 1, 0, 'c', 20, kNothing},
    {"popcnt", 1, 0, 'c', 23, kNothing},
    {"cx16", 1, 0, 'c', 13, kNothing},
    {"sahf", 0x80000001, 0, 'c', 0, kNothing},
    {"avx", 1, 0, 'c', 28, kYmm},
    {"avx2", 7, 0, 'b', 5, kYmm},
    {"fma", 1, 0, 'c', 12, kYmm},
    {"f16c", 1, 0, 'c', 29, kYmm},
    {"bmi", 7, 0, 'b', 3, kNothing},
    {"bmi2", 7, 0, 'b', 8, kNothing},
    {"lzcnt", 0x80000001, 0, 'c', 5, kNothing},
    {"movbe", 1, 0, 'c', 22, kNothing},
    {"adx", 7, 0, 'b', 19, kNothing},
    {"sse4a", 0x80000001, 0, 'c', 6, kNothing},
    {"fma4", 0x80000001, 0, 'c', 16, kYmm},
    {"xop", 0x80000001, 0, 'c', 11, kYmm},
    {"tbm", 0x80000001, 0, 'c', 21, kNothing},
    {"gfni", 7, 0, 'c', 8, kNothing},
    {"avx512f", 7, 0, 'b', 16, kZmm},
    {"avx512cd", 7, 0, 'b', 28, kZmm},
    {"avx512dq", 7, 0, 'b', 17, kZmm},
    {"avx512bw", 7, 0, 'b', 30, kZmm},
    {"avx512vl", 7, 0, 'b', 31, kZmm},
    {"avx512ifma", 7, 0, 'b', 21, kZmm},
    {"avx512vbmi", 7, 0, 'c', 1, kZmm},
    {"avx512vbmi2", 7, 0, 'c', 6, kZmm},
    {"avx512vnni", 7, 0, 'c', 11, kZmm},
    {"avx512bitalg", 7, 0, 'c', 12, kZmm},
    {"avx512vpopcntdq", 7, 0, 'c', 14, kZmm},
    {"avx512bf16", 7, 1, 'a', 5, kZmm},
    {"avx512fp16", 7, 0, 'd', 23, kZmm},
    {"avxvnni", 7, 1, 'a', 4, kYmm},
    {"avxifma", 7, 1, 'a', 23, kYmm},
    {"avxvnniint8", 7, 1, 'd', 4, kYmm},
    {"avxvnniint16", 7, 1, 'd', 10, kYmm},
    {"avxneconvert", 7, 1, 'd', 5, kYmm},
    {"cmpccxadd", 7, 1, 'a', 7, kNothing},
    {"raoint", 7, 1, 'a', 3, kNothing},
});
static_assert(kBits.size() == kX86.size());

/// Which registers the kernel saves (XCR0), 0 if it does not say.
uint64_t saved_registers() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) {
    return 0;
  }
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

CpuFeatures find_host_features() {
  constexpr uint64_t kYmmState = 0x06;
  constexpr uint64_t kZmmState = 0xe6;
  const uint64_t saved = saved_registers();
  CpuFeatures found{};
  for (const CpuidBit& bit : kBits) {
    const uint64_t needed = bit.needs == kZmm ? kZmmState : bit.needs == kYmm ? kYmmState : 0;
    unsigned registers[4] = {};
    if ((saved & needed) == needed &&
        __get_cpuid_count(bit.leaf, bit.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) != 0 &&
        (registers[bit.reg - 'a'] >> bit.bit & 1) != 0) {
      add_feature(found, index_of(kX86, bit.name));
    }
  }
  return found;
}

#elif defined(__aarch64__)

struct CapabilityBit {
  std::string_view name;
  unsigned word;  ///< AT_HWCAP or AT_HWCAP2
  uint64_t mask;  ///< all of these
};

constexpr uint64_t bit(unsigned number) {
  return uint64_t{1} << number;
}

// By number: headers of the host may be older than the kernel.
constexpr auto kBits = std::to_array<CapabilityBit>({
    {"lse", AT_HWCAP, bit(8)},
    {"crc", AT_HWCAP, bit(7)},
    {"rdm", AT_HWCAP, bit(12)},
    {"fullfp16", AT_HWCAP, bit(9) | bit(10)},
    {"dotprod", AT_HWCAP, bit(20)},
    {"rcpc", AT_HWCAP, bit(15)},
    {"rcpc-immo", AT_HWCAP, bit(26)},
    {"jsconv", AT_HWCAP, bit(13)},
    {"complxnum", AT_HWCAP, bit(14)},
    {"i8mm", AT_HWCAP2, bit(13)},
    {"bf16", AT_HWCAP2, bit(14)},
    {"fp16fml", AT_HWCAP, bit(23)},
    {"flagm", AT_HWCAP, bit(27)},
    {"altnzcv", AT_HWCAP2, bit(7)},
    {"fptoint", AT_HWCAP2, bit(8)},
    {"lse2", AT_HWCAP, bit(25)},
    {"cssc", AT_HWCAP2, bit(34)},
    {"mops", AT_HWCAP2, bit(43)},
    {"aes", AT_HWCAP, bit(3) | bit(4)},
    {"sha2", AT_HWCAP, bit(6)},
    {"sha3", AT_HWCAP, bit(17) | bit(21)},
    {"sm4", AT_HWCAP, bit(18) | bit(19)},
});
static_assert(kBits.size() == kAarch64.size());

CpuFeatures find_host_features() {
  CpuFeatures found{};
  for (const CapabilityBit& one : kBits) {
    if ((getauxval(one.word) & one.mask) == one.mask) {
      add_feature(found, index_of(kAarch64, one.name));
    }
  }
  return found;
}

#endif

}  // namespace

std::span<const std::string_view> known_features(Architecture architecture) {
  switch (architecture) {
    case Architecture::x86_64:
      return kX86;
    case Architecture::aarch64:
      return kAarch64;
    case Architecture::none:
      break;
  }
  return {};
}

const CpuFeatures& host_cpu_features() {
  static const CpuFeatures features = find_host_features();
  return features;
}

std::string missing_features(Architecture architecture, const CpuFeatures& host, const CpuFeatures& required) {
  const std::span<const std::string_view> names = known_features(architecture);
  std::string text;
  for (size_t index = 0; index != names.size(); ++index) {
    if (has_feature(required, index) && !has_feature(host, index)) {
      text += text.empty() ? "" : ", ";
      text += names[index];
    }
  }
  return text;
}

}  // namespace tenon::abi
