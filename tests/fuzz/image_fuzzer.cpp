// Whatever an image's bytes are, mapping it ends in an image or in an error value; and from the tables of one that was
// accepted, what finds functions, positions and landing pads does not read outside of it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "abi/checksum.h"
#include "aot/image.h"
#include "runtime/frame_tables.h"

namespace {

using namespace tenon;

/// Makes the trailer's magic, version, size and checksum right, so that everything behind them is reached.
void make_plausible(std::vector<uint8_t>& image) {
  abi::ImageTrailer trailer;
  const size_t limit = image.size() - sizeof(trailer);
  std::memcpy(&trailer, image.data() + limit, sizeof(trailer));
  trailer.magic = abi::kImageMagic;
  trailer.abi_version = abi::kAbiVersion;
  trailer.file_size = image.size();
  const abi::FileRange checked = trailer.checked;
  if (checked.size <= limit && checked.offset <= limit - checked.size) {
    const base::Bytes head(reinterpret_cast<const uint8_t*>(&trailer), offsetof(abi::ImageTrailer, checksum));
    trailer.checksum = abi::checksum(head, abi::checksum(base::Bytes(image).subspan(checked.offset, checked.size)));
  }
  std::memcpy(image.data() + limit, &trailer, sizeof(trailer));
}

/// What a trap or an exception at `address` asks the image for.
void look_up(const aot::Image& image, uintptr_t address) {
  const uint32_t function = image.function_at(address) - image.imported_functions;
  if (function >= image.trailer().function_count) {
    abort();
  }
  (void)image.position_of(address, 0);
  (void)runtime::FrameTable(image, address).landing_pad();
}

void walk(const aot::Image& image) {
  constexpr size_t kMostFunctions = 64;
  const auto text = reinterpret_cast<uintptr_t>(image.text.data());
  if (image.trailer().function_count == 0) {
    return;  // nothing runs
  }
  for (size_t i = 0; i < std::min(kMostFunctions, image.functions.size() - 1); ++i) {
    const auto entry = reinterpret_cast<uintptr_t>(image.entry(image.imported_functions + static_cast<uint32_t>(i)));
    if (entry < text || entry > text + image.text.size()) {
      abort();
    }
    look_up(image, entry);
    look_up(image, entry + 1);
  }
  look_up(image, text + image.text.size());
}

void map_and_walk(base::Bytes bytes) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    abort();
  }
  const auto image = aot::Image::map(file, "fuzz.aot", "fuzz.wasm", {});
  close(file);
  if (image) {
    walk(**image);
  } else if (image.error().kind == ErrorKind::io || image.error().message.empty()) {
    abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> image(data, data + size);
  map_and_walk(image);
  if (size >= sizeof(abi::ImageTrailer)) {
    make_plausible(image);
    map_and_walk(image);
  }
  return 0;
}
