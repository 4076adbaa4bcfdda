// dlopen and its like for guests, over the host module tenon_dl: docs/dlfcn.md.
//
// It needs no other library, and uses what it may find of libc through weak references. So it can be shared, or be part
// of a program, of a library or of a libc. The runtime knows who called dlopen or dlsym only if the function of that
// name calls the host function itself.
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

#define HOST(name) __attribute__((import_module("tenon_dl"), import_name(#name)))

struct Library {
  uint32_t memory_base;
  uint32_t memory_size;
  uint32_t table_base;
  uint32_t table_size;
  uint64_t ever_loaded;
  uint64_t ever_unloaded;
};

struct Symbol {
  uint32_t memory_base;
  uint32_t address;
  uint32_t table_base;
  uint32_t is_function;
};

_Static_assert(sizeof(struct Library) == 32 && sizeof(struct Symbol) == 16, "these are shared with the runtime");

HOST(open) void* host_open(const char* name, int flags);
HOST(sym) void* host_sym(void* handle, const char* name);
HOST(close) int host_close(void* handle);
HOST(error) uint32_t host_error(char* buffer, uint32_t size);
HOST(library) void* host_library(void* previous, struct Library* record);
HOST(library_name) uint32_t host_library_name(void* handle, char* buffer, uint32_t size);
HOST(symbol_at) void* host_symbol_at(const void* address, struct Symbol* record);
HOST(symbol_name) uint32_t host_symbol_name(void* handle, uint32_t address, char* buffer, uint32_t size);

__attribute__((weak)) void* malloc(size_t size);
__attribute__((weak)) void free(void* block);
__attribute__((weak)) char* getcwd(char* buffer, size_t size);

// What this library itself has to complain about; newer than what the host may have to say.
static _Thread_local const char* own_error;

static size_t length_of(const char* text) {
  size_t length = 0;
  while (text[length] != 0) {
    ++length;
  }
  return length;
}

static char* append(char* end, const char* text, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    end[i] = text[i];
  }
  end[length] = 0;
  return end + length;
}

static void* allocate(size_t size) {
  return malloc != NULL && free != NULL ? malloc(size) : NULL;
}

// ---- Opening --------------------------------------------------------------------------------------------------------

// For a path that starts at the current directory, which only libc knows: the same path from the root, to be freed.
// Null: take `name` as it is.
static char* from_root(const char* name) {
  size_t length = 0;
  int has_slash = 0;
  for (; name[length] != 0; ++length) {
    has_slash |= name[length] == '/';
  }
  if (!has_slash || name[0] == '/' || getcwd == NULL || free == NULL) {
    return NULL;
  }
  char* const directory = getcwd(NULL, 0);
  if (directory == NULL) {
    return NULL;
  }
  const size_t directory_length = length_of(directory);
  char* const path = directory_length > 1 ? allocate(directory_length + 1 + length + 1) : NULL;
  if (path != NULL) {
    append(append(append(path, directory, directory_length), "/", 1), name, length);
  }
  free(directory);
  return path;
}

void* dlopen(const char* name, int flags) {
  if (name != NULL && name[0] == 0) {
    name = NULL;  // the main program too, in glibc
  }
  char* const path = name == NULL ? NULL : from_root(name);
  void* const handle = host_open(path == NULL ? name : path, flags);
  if (path != NULL) {
    free(path);
  }
  if (handle == NULL) {
    own_error = NULL;
  }
  return handle;
}

void* dlsym(void* restrict handle, const char* restrict name) {
  void* const address = host_sym(handle, name);
  if (address == NULL) {
    own_error = NULL;
  }
  return address;
}

int dlclose(void* handle) {
  const int result = host_close(handle);
  if (result != 0) {
    own_error = NULL;
  }
  return result;
}

char* dlerror(void) {
  static _Thread_local char text[4096];
  const uint32_t length = host_error(text, sizeof text);
  if (own_error != NULL) {
    append(text, own_error, length_of(own_error));
    own_error = NULL;
    return text;
  }
  return length == 0 ? NULL : text;
}

// ---- Names ----------------------------------------------------------------------------------------------------------

// Callers may keep what dladdr says for as long as they like, also when the library is gone. So there is one copy of
// each name, which is never freed.
struct Name {
  struct Name* next;
  uint32_t hash;
  char text[];
};

static struct Name* names[256];  // each list only grows, at its head, by an atomic exchange

static const char* keep(const char* text, uint32_t length) {
  uint32_t hash = 2166136261;
  for (uint32_t i = 0; i < length; ++i) {
    hash = (hash ^ (unsigned char)text[i]) * 16777619;
  }
  struct Name** const bucket = &names[hash % 256];
  for (const struct Name* name = __atomic_load_n(bucket, __ATOMIC_ACQUIRE); name != NULL; name = name->next) {
    uint32_t i = 0;
    while (name->hash == hash && i < length && name->text[i] == text[i]) {
      ++i;
    }
    if (name->hash == hash && i == length && name->text[i] == 0) {
      return name->text;
    }
  }
  struct Name* const name = allocate(sizeof *name + length + 1);
  if (name == NULL) {
    return NULL;
  }
  name->hash = hash;
  append(name->text, text, length);
  // Two threads that keep the same name at once keep it twice.
  name->next = __atomic_load_n(bucket, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bucket, &name->next, name, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
  return name->text;
}

// The name of a library, or of its symbol at `address`. Null: it has none any more, or memory is used up.
static const char* name_of(void* handle, uint32_t address) {
  char on_stack[512];
  char* text = on_stack;
  uint32_t size = sizeof on_stack;
  for (;;) {
    const uint32_t length =
        address == 0 ? host_library_name(handle, text, size) : host_symbol_name(handle, address, text, size);
    const char* const kept = length > 0 && length < size ? keep(text, length) : NULL;
    if (text != on_stack) {
      free(text);
    }
    if (length < size) {
      return kept;
    }
    size = length + 1;
    text = allocate(size);
    if (text == NULL) {
      return NULL;
    }
  }
}

int dladdr(const void* address, Dl_info* info) {
  struct Symbol symbol;
  void* const handle = host_symbol_at(address, &symbol);
  const char* const file = handle == NULL ? NULL : name_of(handle, 0);
  if (file == NULL) {
    return 0;
  }
  info->dli_fname = file;
  info->dli_fbase = (void*)(uintptr_t)symbol.memory_base;
  info->dli_sname = symbol.address == 0 ? NULL : name_of(handle, symbol.address);
  info->dli_saddr = info->dli_sname == NULL ? NULL : (void*)(uintptr_t)symbol.address;
  return 1;
}

// ---- The link map ---------------------------------------------------------------------------------------------------

// As in glibc, the main program, which is the first, has no name here.
static const char* name_in_map(void* handle, int is_first) {
  return is_first ? "" : name_of(handle, 0);
}

int dl_iterate_phdr(int (*callback)(struct dl_phdr_info* info, size_t size, void* data), void* data) {
  struct Library library;
  void* previous = NULL;
  void* handle;
  while ((handle = host_library(previous, &library)) != NULL) {
    const char* const name = name_in_map(handle, previous == NULL);
    struct dl_phdr_info info = {
        .dlpi_addr = library.memory_base,
        .dlpi_name = name == NULL ? "" : name,
        .dlpi_adds = library.ever_loaded,
        .dlpi_subs = library.ever_unloaded,
        .dlpi_memory_size = library.memory_size,
        .dlpi_table_base = library.table_base,
        .dlpi_table_size = library.table_size,
    };
    const int result = callback(&info, sizeof info, data);
    if (result != 0) {
      return result;
    }
    previous = handle;
  }
  return 0;
}

struct Entry {
  struct link_map map;  // first: a pointer to it is one to the entry
  void* handle;
};

static struct link_map* link_map;  // guarded by map_lock
static int map_lock;

static void lock(int* word) {
  while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0) {
#ifdef __wasm_atomics__
    __builtin_wasm_memory_atomic_wait32(word, 1, -1);
#endif
  }
}

static void unlock(int* word) {
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
#ifdef __wasm_atomics__
  __builtin_wasm_memory_atomic_notify(word, 1);
#endif
}

// Brings the list up to date. Libraries come in load order, so those that stayed are in the same order as before, and
// new ones are at the end. Returns the entry of `wanted`; null with `own_error`.
static struct link_map* find_in_map(void* wanted) {
  struct link_map** next = &link_map;
  struct link_map* last = NULL;
  struct link_map* found = NULL;
  struct Library library;
  void* previous = NULL;
  void* handle;
  while ((handle = host_library(previous, &library)) != NULL) {
    while (*next != NULL && ((struct Entry*)*next)->handle != handle) {
      struct link_map* const gone = *next;
      *next = gone->l_next;
      free(gone);
    }
    if (*next == NULL) {
      struct Entry* const entry = allocate(sizeof *entry);
      const char* const name = name_in_map(handle, previous == NULL);
      if (entry == NULL || name == NULL) {
        own_error = "dlinfo: no memory is left";
        if (entry != NULL) {
          free(entry);
        }
        return NULL;
      }
      *entry = (struct Entry){{.l_addr = library.memory_base, .l_name = (char*)name}, handle};
      *next = &entry->map;
    }
    (*next)->l_prev = last;
    last = *next;
    next = &last->l_next;
    if (handle == wanted) {
      found = last;
    }
    previous = handle;
  }
  while (*next != NULL) {
    struct link_map* const gone = *next;
    *next = gone->l_next;
    free(gone);
  }
  if (found == NULL) {
    own_error = "dlinfo: this handle is of no library that is loaded";
  }
  return found;
}

int dlinfo(void* handle, int request, void* info) {
  if (request != RTLD_DI_LINKMAP) {
    own_error = "dlinfo: of all requests only RTLD_DI_LINKMAP is known";
    return -1;
  }
  lock(&map_lock);
  struct link_map* const found = find_in_map(handle);
  unlock(&map_lock);
  if (found == NULL) {
    return -1;
  }
  *(struct link_map**)info = found;
  return 0;
}
