// Pages that will be touched anyway, taken from the system at once: a page fault each costs several times as much.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace tenon::base {

enum class Access : uint8_t { read, write };

/// Maps the pages that `size` bytes lie on, if they are several. A hint: systems that do not know it leave it.
inline void prefault(const void* begin, size_t size, Access access) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  constexpr uintptr_t kWorthACall = 4;
  const uintptr_t first = reinterpret_cast<uintptr_t>(begin) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(begin) + size + page - 1) / page * page;
  if (end - first >= kWorthACall * page) {
    (void)madvise(reinterpret_cast<void*>(first), end - first,
                  access == Access::read ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
  }
}

}  // namespace tenon::base
