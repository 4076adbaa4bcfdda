// What one guest process has, as WASI sees it: its arguments, its environment, its descriptors. Made by Wasi::create;
// what every WASI function gets as its first argument. All of it but the descriptors is immutable, so the threads of
// the guest share it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "wasi/descriptors.h"
#include "wasi/path.h"
#include "wasi/wasi.h"

namespace tenon::wasi {

/// Strings as args_get and environ_get hand them out: one after the other, each with a zero behind it.
struct StringList {
  std::string bytes;
  std::vector<uint32_t> offsets;  ///< of each string, in `bytes`
};

/// A host file by its identity.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const FileId&) const = default;
};

struct Process {
  explicit Process(const Limits& given) : limits(given), descriptors(given.descriptors) {}

  Limits limits;
  StringList arguments;
  StringList environment;
  DescriptorTable descriptors;
  Resolver resolver;
  /// Whether the host runs under a limit on file sizes, so that any write may raise SIGXFSZ.
  bool has_file_size_limit = false;

  /// The preopens, for the linker and for those who ask what the guest can write. The guest may close its descriptors
  /// of them; these stay.
  std::vector<DescriptorReference> preopens;
  std::vector<FileId> writable_roots;  ///< the directories of the preopens that are not read-only
  std::vector<FileId> writable_files;  ///< the regular files among the standard streams
};

}  // namespace tenon::wasi
