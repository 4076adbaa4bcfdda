#include "runtime/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/trap.h"

namespace tenon::runtime {

namespace {

// sandbox: an instruction can form any address up to 2^32 - 1 (index) + 2^32 - 1 (offset) and touches up to 16 bytes
// there; all of it must be inside the reservation, so that nothing else of the host can be hit.
constexpr uint64_t kGuardedReservation = (uint64_t{1} << 33) + wasm::kPageSize;

uint64_t host_page() {
  static const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return page;
}

void* reserve(uint64_t bytes) {
  return mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/// Reserves at least `minimum` bytes where `bytes` were too many, and says in `bytes` how many. Not all there is: the
/// process has other uses for address space.
void* reserve_some(uint64_t minimum, uint64_t& bytes) {
  while (bytes > minimum) {
    bytes = std::max(bytes / 2 / wasm::kPageSize * wasm::kPageSize, minimum);
    if (void* const base = reserve(bytes); base != MAP_FAILED) {
      const uint64_t half = std::max(bytes / 2 / wasm::kPageSize * wasm::kPageSize, minimum);
      munmap(static_cast<uint8_t*>(base) + half, bytes - half);
      bytes = half;
      return base;
    }
  }
  return MAP_FAILED;
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::create(const wasm::MemoryType& type, BoundsChecks checks,
                                               uint64_t maximum_bytes) {
  std::unique_ptr<Memory> memory(new Memory);
  memory->type_ = type;
  memory->checks_ = checks;
  memory->maximum_pages_ = std::min(
      {type.limits.maximum.value_or(wasm::kMaximumPages32), wasm::kMaximumPages32, maximum_bytes / wasm::kPageSize});
  if (type.limits.minimum > memory->maximum_pages_) {
    return fail(ErrorKind::limit, "a memory of {} pages was asked for, but {} pages of 64 KiB are all there may be",
                type.limits.minimum, memory->maximum_pages_);
  }
  const bool guarded = checks == BoundsChecks::guard_pages;
  uint64_t wanted = guarded ? kGuardedReservation : std::max(memory->maximum_pages_, uint64_t{1}) * wasm::kPageSize;
  void* base = reserve(wanted);
  if (base == MAP_FAILED && !guarded) {
    base = reserve_some(std::max(type.limits.minimum, uint64_t{1}) * wasm::kPageSize, wanted);
    memory->maximum_pages_ = wanted / wasm::kPageSize;
  }
  if (base == MAP_FAILED) {
    return fail(ErrorKind::limit, "cannot reserve {} bytes of address space for a memory: {}{}", wanted,
                strerror(errno), guarded ? "; explicit bounds checks need less of it" : "");
  }
  memory->base = static_cast<uint8_t*>(base);
  memory->reserved_bytes_ = wanted;
  register_reservation(memory->base, memory->base + wanted);
  if (memory->grow(type.limits.minimum) < 0) {
    return fail(ErrorKind::limit, "cannot get {} pages of 64 KiB for a memory: {}", type.limits.minimum,
                strerror(errno));
  }
  return memory;
}

Memory::~Memory() {
  if (base != nullptr) {
    unregister_reservation(base);
    munmap(base, reserved_bytes_);
  }
}

int64_t Memory::grow(uint64_t pages) {
  const std::scoped_lock lock(growing_);
  const uint64_t before = size.load(std::memory_order_relaxed);
  const uint64_t before_pages = before / wasm::kPageSize;
  if (pages > maximum_pages_ - before_pages) {
    return -1;
  }
  const uint64_t added = pages * wasm::kPageSize;
  if (added != 0 && mprotect(base + before, added, PROT_READ | PROT_WRITE) != 0) {
    return -1;
  }
  size.store(before + added, std::memory_order_release);
  return static_cast<int64_t>(before_pages);
}

void Memory::clear(uint64_t address, uint64_t bytes) {
  // Less than this is cheaper to write than to ask the kernel for.
  constexpr uint64_t kWorthACall = uint64_t{64} << 10;
  const uint64_t page = host_page();
  const uint64_t first = (address + page - 1) / page * page;
  const uint64_t last = (address + bytes) / page * page;
  if (last <= first || last - first < kWorthACall || madvise(base + first, last - first, MADV_DONTNEED) != 0) {
    std::memset(base + address, 0, bytes);
    return;
  }
  std::memset(base + address, 0, first - address);
  std::memset(base + last, 0, address + bytes - last);
}

Result<std::unique_ptr<Table>> Table::create(const wasm::TableType& type, uint64_t maximum_elements) {
  std::unique_ptr<Table> table(new Table);
  table->type_ = type;
  table->maximum_ = std::min(type.limits.maximum.value_or(UINT32_MAX), maximum_elements);
  if (type.limits.minimum > table->maximum_) {
    return fail(ErrorKind::limit, "a table of {} elements was asked for, but {} are all there may be",
                type.limits.minimum, table->maximum_);
  }
  void* const base = mmap(nullptr, std::max(table->maximum_, uint64_t{1}) * sizeof(abi::Cell), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return fail(ErrorKind::limit, "cannot reserve address space for a table of up to {} elements: {}", table->maximum_,
                strerror(errno));
  }
  table->elements = static_cast<abi::Cell*>(base);
  table->size.store(type.limits.minimum, std::memory_order_release);
  return table;
}

Table::~Table() {
  if (elements != nullptr) {
    munmap(elements, std::max(maximum_, uint64_t{1}) * sizeof(abi::Cell));
  }
}

int64_t Table::grow(uint64_t count, abi::Cell initial) {
  const std::scoped_lock lock(growing_);
  const uint64_t before = size.load(std::memory_order_relaxed);
  if (count > maximum_ - before) {
    return -1;
  }
  if (initial.bits != 0) {  // fresh pages are null already
    for (uint64_t i = before; i < before + count; ++i) {
      set(i, initial);
    }
  }
  size.store(before + count, std::memory_order_release);
  return static_cast<int64_t>(before);
}

bool Table::shrink(uint64_t from, uint64_t count) {
  const std::scoped_lock lock(growing_);
  if (size.load(std::memory_order_relaxed) != from) {
    return false;
  }
  size.store(count, std::memory_order_release);
  for (uint64_t i = count; i < from; ++i) {
    set(i, abi::Cell{});
  }
  return true;
}

void Table::discard(uint64_t index, uint64_t count) {
  const uint64_t per_page = host_page() / sizeof(abi::Cell);
  const uint64_t first = (index + per_page - 1) / per_page * per_page;
  const uint64_t last = (index + count) / per_page * per_page;
  if (last > first) {
    madvise(elements + first, (last - first) * sizeof(abi::Cell), MADV_DONTNEED);
  }
}

}  // namespace tenon::runtime
