// An AOT image, mapped: one module's compiled code, and the module without its function bodies.
#pragma once

#include <memory>
#include <string>

#include "abi/image.h"
#include "base/mapped_file.h"
#include "base/result.h"
#include "runtime/native_code.h"
#include "wasm/module.h"

namespace tenon::aot {

/// Immutable; safe to use from any number of threads. Its pages are the file's, shared with every process that maps it.
class Image final : public runtime::NativeCode {
 public:
  /// Maps an open image and checks everything but its code and its table of positions: length, trailer, ABI version,
  /// processor, options, the parts that are read in place. `name` is the image's, `module_name` the module's, for
  /// messages. The descriptor is not kept. For files that only the user can write: an image is native code.
  /// Errors: malformed (it is no image, or damaged), unsupported (made for another ABI, processor or other options),
  /// io.
  [[nodiscard]] static Result<std::shared_ptr<Image>> map(int descriptor, const std::string& name,
                                                          const std::string& module_name,
                                                          const abi::CodeOptions& options);
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  [[nodiscard]] const abi::ImageTrailer& trailer() const { return trailer_; }
  [[nodiscard]] const std::shared_ptr<const wasm::Module>& module() const { return module_; }
  /// Whether it was made from the file's present state, as far as the file system tells.
  [[nodiscard]] bool is_of(const base::FileIdentity& file) const;

 private:
  Image() = default;
  abi::ImageTrailer trailer_;
  std::shared_ptr<const wasm::Module> module_;
};

/// Checks an image whole, its code too, against the hash it was written with. Errors: malformed, unsupported (ABI
/// version).
[[nodiscard]] Result<abi::ImageTrailer> verify(const base::FileBytes& image, const std::string& name);

}  // namespace tenon::aot
