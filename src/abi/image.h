// The part of an AOT image that is not ELF: what the runtime reads before it maps and runs one.
//
// An image is an ELF shared object, made from one module, in which file offset and address are the same everywhere
// (base 0, segments on pages of their own), with no relocation and no undefined symbol. Behind the ELF's last byte,
// from a multiple of 8 on, follow the parts that `ImageTrailer` lists; the trailer is the file's last bytes, so it is
// found without reading anything else. All offsets are from the start of the file, and in the order of the host.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/layout.h"

namespace tenon::abi {

/// Changes with every change of abi.h, layout.h or this file that old images would not survive.
constexpr uint32_t kAbiVersion = 4;

constexpr std::array<char, 8> kImageMagic = {'\x7f', 'T', 'E', 'N', 'O', 'N', 'A', '1'};

enum class Architecture : uint32_t { none, x86_64, aarch64 };

#if defined(__x86_64__)
constexpr Architecture kHostArchitecture = Architecture::x86_64;
constexpr std::string_view kHostTarget = "x86_64";  ///< the compiler's --target for it
#elif defined(__aarch64__)
constexpr Architecture kHostArchitecture = Architecture::aarch64;
constexpr std::string_view kHostTarget = "aarch64";
#endif

/// A stretch of the file.
struct FileRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};

using Sha256 = std::array<uint8_t, 32>;

/// Plain bytes; everything in it is checked by aot::Image before anything else of the file is looked at.
struct ImageTrailer {
  // -- What it is made from. `module_size` to `module_inode` are how the module's file looked when its hash was taken:
  // while they have not changed, the hash need not be taken again.
  Sha256 module_hash{};
  uint64_t module_size = 0;
  int64_t module_changed_ns = 0;  ///< st_mtim in nanoseconds
  uint64_t module_device = 0;
  uint64_t module_inode = 0;
  // -- How it was made.
  Architecture architecture = Architecture::none;
  BoundsChecks checks = BoundsChecks::guard_pages;
  uint8_t check_stack = 0;
  uint8_t level = 0;  ///< of optimisation, 0 to 3
  uint8_t padding = 0;
  std::array<char, 48> compiler{};         ///< version, zero-terminated
  std::array<char, 24> cpu{};              ///< as asked for, zero-terminated, for people
  std::array<uint64_t, 4> cpu_features{};  ///< the host must have all of these bits: see abi/cpu.h
  // -- Where things are.
  FileRange text;               ///< the pages to be executed; aligned to 4096 at least
  FileRange frames;             ///< .eh_frame_hdr, with its sorted table
  FileRange positions;          ///< see below
  FileRange checked;            ///< `functions` and `module`: next to each other, as they are read in place
  FileRange functions;          ///< uint32_t per defined function, in index order, and one more: where its code starts.
                                ///< Ascending
  FileRange module;             ///< the module without its function bodies: wasm::restore() makes it
  uint32_t function_count = 0;  ///< defined ones
  uint32_t abi_version = kAbiVersion;
  // -- What it must be.
  uint64_t file_size = 0;
  Sha256 content_hash{};  ///< of the file's bytes before the trailer: checked when written, and by `tenon verify`
  uint64_t checksum = 0;  ///< checksum() of the trailer up to here, after checksum() of `checked`
  std::array<char, 8> magic = kImageMagic;
};
static_assert(sizeof(ImageTrailer) % 8 == 0);
static_assert(offsetof(ImageTrailer, magic) == sizeof(ImageTrailer) - 8);

// `positions`: which instruction of the module the code at an address came from, by function. First a uint32_t per
// defined function and one more: where its entries start, in bytes from the end of this index. An entry is two unsigned
// LEB128 numbers, the first the distance in bytes of code from the entry before (the first: from the function's start),
// the second twice the absolute difference of the offsets in the module from the entry before (the first: from the
// body's first byte), plus 1 if the offset is less. An entry holds from its address to the next one's.

}  // namespace tenon::abi
