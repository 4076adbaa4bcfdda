#include <cstddef>
#include <new>

static bool throws;

extern "C" void set_throws(bool value) {
  throws = value;
}

// C++ lets no exception out of malloc. This one does.
extern "C" void* malloc(size_t size) {
  if (throws && size > 100000) {
    throw std::bad_alloc();
  }
  const size_t before = __builtin_wasm_memory_grow(0, (size + 65535) / 65536);
  return before == static_cast<size_t>(-1) ? nullptr : reinterpret_cast<void*>(before * 65536);
}

extern "C" void free(void* block) {}
