#include "aot/image.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "abi/checksum.h"
#include "abi/cpu.h"
#include "base/prefault.h"
#include "base/sha256.h"
#include "wasm/snapshot.h"

namespace tenon::aot {

namespace {

using abi::FileRange;
using abi::ImageTrailer;
using base::Bytes;

bool inside(const FileRange& range, uint64_t size) {
  return range.size <= size && range.offset <= size - range.size;
}

bool inside(const FileRange& range, const FileRange& outer) {
  return range.offset >= outer.offset && inside({range.offset - outer.offset, range.size}, outer.size);
}

Bytes part(Bytes image, const FileRange& range) {
  return image.subspan(range.offset, range.size);
}

const char* to_string(abi::Architecture architecture) {
  switch (architecture) {
    case abi::Architecture::x86_64:
      return "x86-64";
    case abi::Architecture::aarch64:
      return "AArch64";
    default:
      return "an unknown processor";
  }
}

/// Whether the trailer's parts can be what they are said to be.
bool is_consistent(const ImageTrailer& trailer, uint64_t file_size) {
  const uint64_t limit = file_size - sizeof(ImageTrailer);
  const uint64_t count = trailer.function_count;
  const uint64_t index_size = (count + 1) * sizeof(uint32_t);
  return trailer.file_size == file_size && inside(trailer.text, limit) && inside(trailer.frames, limit) &&
         inside(trailer.positions, limit) && inside(trailer.checked, limit) &&
         inside(trailer.functions, trailer.checked) && inside(trailer.module, trailer.checked) &&
         trailer.functions.size == index_size && trailer.functions.offset % sizeof(uint32_t) == 0 &&
         trailer.text.offset % 4096 == 0 && limit <= UINT32_MAX;
}

/// Nothing of a table may lead out of the code: whoever follows it does not check again.
bool is_inside_text(std::span<const uint32_t> functions, const FileRange& text) {
  uint64_t before = text.offset;
  for (const uint32_t start : functions) {
    if (start < before || start > text.offset + text.size) {
      return false;
    }
    before = start;
  }
  return true;
}

Result<> check_host(const ImageTrailer& trailer, const std::string& name, const abi::CodeOptions& options) {
  if (trailer.architecture != abi::kHostArchitecture) {
    return fail(ErrorKind::unsupported, "{} was made for {}, and this is {}", name, to_string(trailer.architecture),
                to_string(abi::kHostArchitecture));
  }
  if (!abi::has_all(abi::host_cpu_features(), trailer.cpu_features)) {
    return fail(ErrorKind::unsupported, "{} was made for a processor with {}, which this one has not", name,
                abi::missing_features(trailer.architecture, abi::host_cpu_features(), trailer.cpu_features));
  }
  if (trailer.checks != options.checks) {
    return fail(ErrorKind::unsupported, "{} was made for {} bounds checks, and the program runs with the other kind",
                name, trailer.checks == abi::BoundsChecks::guard_pages ? "guard page" : "explicit");
  }
  if ((trailer.check_stack != 0) != options.check_stack) {
    return fail(ErrorKind::unsupported, "{} was made {} --check-stack, and the program runs {} it", name,
                trailer.check_stack != 0 ? "with" : "without", options.check_stack ? "with" : "without");
  }
  return {};
}

/// What of a trailer depends neither on the host nor on the rest of the file, which has `file_size` bytes.
Result<> check_trailer(const ImageTrailer& trailer, uint64_t file_size, const std::string& name) {
  if (trailer.magic != abi::kImageMagic) {
    return fail(ErrorKind::malformed, "{} is no AOT image, or its end is missing", name);
  }
  if (trailer.abi_version != abi::kAbiVersion) {
    return fail(ErrorKind::unsupported,
                "{} was made for version {} of compiled code's interface, and this is version {}", name,
                trailer.abi_version, abi::kAbiVersion);
  }
  if (!is_consistent(trailer, file_size)) {
    return fail(ErrorKind::malformed, "{} is damaged: its parts are not where they can be", name);
  }
  return {};
}

Result<> check_size(uint64_t file_size, const std::string& name) {
  if (file_size < sizeof(ImageTrailer)) {
    return fail(ErrorKind::malformed, "{} is no AOT image: it has only {} bytes", name, file_size);
  }
  return {};
}

/// Whether what is read in place is what the trailer was made for.
Result<> check_sum(const ImageTrailer& trailer, Bytes image, const std::string& name) {
  const Bytes checked = part(image, trailer.checked);
  base::prefault(checked.data(), checked.size(), base::Access::read);
  const Bytes head(reinterpret_cast<const uint8_t*>(&trailer), offsetof(ImageTrailer, checksum));
  if (abi::checksum(head, abi::checksum(checked)) != trailer.checksum) {
    return fail(ErrorKind::malformed, "{} is damaged: its parts do not match its checksum", name);
  }
  return {};
}

}  // namespace

Result<ImageTrailer> verify(const base::FileBytes& image, const std::string& name) {
  const Bytes bytes = image.view();
  TENON_CHECK(check_size(bytes.size(), name));
  ImageTrailer trailer;
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof(ImageTrailer), sizeof(ImageTrailer));
  TENON_CHECK(check_trailer(trailer, bytes.size(), name));
  TENON_CHECK(check_sum(trailer, bytes, name));
  const auto hash = base::sha256(base::FileBytes::borrow(bytes.first(bytes.size() - sizeof(ImageTrailer))));
  if (!hash || *hash != trailer.content_hash) {
    return fail(ErrorKind::malformed, "{} is damaged: its content does not match the hash it was written with", name);
  }
  return trailer;
}

Result<std::shared_ptr<Image>> Image::map(int descriptor, const std::string& name, const std::string& module_name,
                                          const abi::CodeOptions& options) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(ErrorKind::io, "{} is no regular file", name);
  }
  const auto size = static_cast<size_t>(status.st_size);
  TENON_CHECK(check_size(size, name));
  ImageTrailer trailer;
  const ssize_t got = pread(descriptor, &trailer, sizeof trailer, static_cast<off_t>(size - sizeof trailer));
  if (got != sizeof trailer) {
    return fail(ErrorKind::io, "cannot read the end of {}: {}", name, got < 0 ? strerror(errno) : "it became shorter");
  }
  TENON_CHECK(check_trailer(trailer, size, name));
  TENON_CHECK(check_host(trailer, name, options));
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (trailer.text.offset % page != 0) {
    return fail(ErrorKind::unsupported, "{} was made for smaller pages than the {} bytes of this host", name, page);
  }
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapped == MAP_FAILED) {
    return fail(ErrorKind::io, "cannot map {}: {}", name, strerror(errno));
  }
  std::shared_ptr<Image> image(new Image);
  image->base = static_cast<const uint8_t*>(mapped);
  image->image = Bytes(image->base, size);
  const Bytes all = image->image;
  image->trailer_ = trailer;
  // Before a page of the mapping is touched: what no processor has seen, no processor must be told to forget, which
  // takes as long as other threads run.
  if (trailer.text.size != 0 &&
      mprotect(static_cast<uint8_t*>(mapped) + trailer.text.offset, trailer.text.size, PROT_READ | PROT_EXEC) != 0) {
    return fail(ErrorKind::io, "cannot make the code of {} executable: {}; is its file system mounted noexec?", name,
                strerror(errno));
  }
  TENON_CHECK(check_sum(trailer, all, name));
  image->functions = std::span(reinterpret_cast<const uint32_t*>(image->base + trailer.functions.offset),
                               size_t{trailer.function_count} + 1);
  if (!is_inside_text(image->functions, trailer.text)) {
    return fail(ErrorKind::malformed, "{} is damaged: a function lies outside of its code", name);
  }
  image->text = part(all, trailer.text);
  image->frames = part(all, trailer.frames);
  image->positions = part(all, trailer.positions);
  auto module = wasm::restore(base::FileBytes::borrow(part(all, trailer.module)), module_name);
  if (!module) {
    return std::unexpected(std::move(module).error());
  }
  image->module_ = *std::move(module);
  image->imported_functions = image->module_->imported_functions;
  if (image->module_->functions.size() - image->imported_functions != trailer.function_count) {
    return fail(ErrorKind::malformed, "{} is damaged: it has code for {} functions of a module with {}", name,
                trailer.function_count, image->module_->functions.size() - image->imported_functions);
  }
  return image;
}

Image::~Image() {
  if (base != nullptr) {
    munmap(const_cast<uint8_t*>(base), image.size());
  }
}

bool Image::is_of(const base::FileIdentity& file) const {
  return trailer_.module_size == file.size && trailer_.module_changed_ns == file.modified_ns &&
         trailer_.module_device == file.device && trailer_.module_inode == file.inode;
}

}  // namespace tenon::aot
