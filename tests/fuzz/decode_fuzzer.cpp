// Whatever the bytes are, decoding and validating them ends in a module or in an error value.
#include <cstdlib>

#include "wasm/module.h"
#include "wasm/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon;
  const auto result = wasm::decode_and_validate(base::FileBytes::borrow({data, size}), "fuzz");
  if (!result) {
    // One paragraph that says where.
    if (result.error().message.find('\n') != std::string::npos || result.error().message.empty()) {
      abort();
    }
    return 0;
  }
  const wasm::Module& module = **result;
  for (uint32_t function = 0; function < module.functions.size() && function < 16; ++function) {
    (void)module.function_name(function);
  }
  for (const wasm::Export& entry : module.exports) {
    if (module.find_export(entry.name) != &entry) {
      abort();
    }
  }
  return 0;
}
