// Whatever the bytes are, restoring a module from them ends in a module or in an error value; and what a module that
// was accepted has at its top level lies in the snapshot.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "wasm/snapshot.h"

namespace {

using namespace tenon;

template <class T>
void touch(std::span<const T> table) {
  volatile uint8_t sum = 0;
  for (const std::byte byte : std::as_bytes(table)) {
    sum = static_cast<uint8_t>(sum ^ static_cast<uint8_t>(byte));
  }
}

/// Reads what restore() has checked. What the tables point to, names for example, is only checked by its checksum.
void walk(const wasm::Module& module) {
  touch(module.imports.view());
  touch(module.exports.view());
  touch(module.functions.view());
  touch(module.globals.view());
  touch(module.tags.view());
  touch(module.elements.view());
  touch(module.data.view());
  touch(module.custom_sections.view());
  touch(module.sections.view());
  touch(module.declared_functions.words());
  if (module.dylink) {
    touch(module.dylink->needed.view());
    touch(module.dylink->export_flags.view());
    touch(module.dylink->import_flags.view());
    touch(module.dylink->runtime_path.view());
  }
  for (const wasm::TypeReference& type : module.types) {
    (void)to_string(*type);
  }
  for (uint32_t function = 0; function < module.functions.size(); ++function) {
    touch(module.body(function).value_or(base::Bytes()));
    (void)module.declared_functions.contains(function);
  }
  // A function that has no name of its own is called by an import's or an export's.
  if (module.imports.empty() && module.exports.empty()) {
    (void)module.function_names();
  }
  if (module.imported_functions > module.functions.size() || module.imported_tables > module.tables.size() ||
      module.imported_memories > module.memories.size() || module.imported_globals > module.globals.size() ||
      module.imported_tags > module.tags.size() || (module.start && *module.start >= module.functions.size())) {
    abort();
  }
}

void restore_and_walk(std::vector<uint8_t> bytes) {
  const auto result = wasm::restore(base::FileBytes::own(std::move(bytes)), "fuzz");
  if (result) {
    walk(**result);
  } else if (result.error().kind != ErrorKind::malformed || result.error().message.empty()) {
    abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSizeOffset = 16;  // of the snapshot's size in its header
  std::vector<uint8_t> bytes(data, data + size);
  restore_and_walk(bytes);
  // Bytes that were inserted or removed would seldom get past this number.
  if (const uint64_t real_size = size; size >= kSizeOffset + sizeof(real_size)) {
    std::memcpy(bytes.data() + kSizeOffset, &real_size, sizeof(real_size));
    restore_and_walk(std::move(bytes));
  }
  return 0;
}
