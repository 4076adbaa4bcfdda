// A module as it lies in a compiled image: everything that linking it and running compiled code of it need, in a form
// that is used where it is mapped. Names, imports, exports, functions, segments and the hash table of exports are read
// from the mapping when they are asked for; restoring makes nothing for each of them.
//
// In it are also the bytes of data segments, the names of functions, and the few bodies that the linker looks through
// (constructors, to see whether they do anything). Function bodies are not: offsets and sizes of those are numbers of
// the original file, for messages.
//
// A snapshot is in the order of the host and in the layout of wasm::Module's structs. It starts at a multiple of 8.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "wasm/module.h"

namespace tenon::wasm {

/// Changes with every change of the structs that are used in place (see module.h), of flat.h and of hash_name.
constexpr uint32_t kSnapshotVersion = 2;

/// The same bytes for the same module. Empty when a mapped file of the module shrank meanwhile.
[[nodiscard]] std::vector<uint8_t> snapshot(const Module& module);

/// The module of a snapshot, which is kept and must never change: the caller has checked by its checksum that it is
/// what snapshot() made. What a damaged one could make this very function do wrong is checked, and nothing more. `name`
/// is for messages. Errors: malformed, also for a snapshot of another version.
[[nodiscard]] Result<std::shared_ptr<const Module>> restore(base::FileBytes snapshot, std::string name);

}  // namespace tenon::wasm
