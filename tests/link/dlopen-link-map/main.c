#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static const char* base_name(const char* path) {
  const char* const slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

// The libraries of the C library itself are not what this is about.
static int is_ours(const char* name) {
  return strstr(name, "libfirst") != NULL || strstr(name, "libsecond") != NULL;
}

static int print_one(struct dl_phdr_info* info, size_t size, void* data) {
  if (info->dlpi_name[0] == 0) {
    printf(" [main]");
  } else if (is_ours(info->dlpi_name)) {
    printf(" %s", base_name(info->dlpi_name));
  }
  *(struct dl_phdr_info*)data = *info;
  return size < sizeof *info;
}

static struct dl_phdr_info list(const char* when) {
  struct dl_phdr_info last;
  printf("%s:", when);
  printf(" = %d\n", dl_iterate_phdr(print_one, &last));
  return last;
}

static int stop_at_main(struct dl_phdr_info* info, size_t size, void* data) {
  ++*(int*)data;
  return 7;
}

static void list_map(const char* when, struct link_map* map) {
  while (map->l_prev != NULL) {
    map = map->l_prev;
  }
  printf("%s:", when);
  for (struct link_map* last = NULL; map != NULL; last = map, map = map->l_next) {
    if (map->l_prev != last) {
      printf(" (broken)");
    }
    if (map->l_name[0] == 0) {
      printf(" [main]");
    } else if (is_ours(map->l_name)) {
      printf(" %s", base_name(map->l_name));
    }
  }
  printf("\n");
}

static struct link_map* map_of(void* handle) {
  struct link_map* map = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) {
    printf("failed: %d\n", dlerror() != NULL);
  }
  return map;
}

int main(void) {
  const struct dl_phdr_info before = list("at first");
  void* const first = dlopen("libfirst.so", RTLD_NOW);
  void* const second = dlopen("libsecond.so", RTLD_NOW | RTLD_GLOBAL);
  const struct dl_phdr_info both = list("both");
  printf("loaded %d, unloaded %d\n", (int)(both.dlpi_adds - before.dlpi_adds),
         (int)(both.dlpi_subs - before.dlpi_subs));
  int calls = 0;
  const int result = dl_iterate_phdr(stop_at_main, &calls);
  printf("stopped: %d after %d\n", result, calls);

  struct link_map* const first_map = map_of(first);
  struct link_map* const second_map = map_of(second);
  list_map("map", first_map);
  printf("neighbors: %d\n",
         first_map->l_next == second_map && second_map->l_next == NULL && second_map->l_prev == first_map);
  printf("main: %d\n", map_of(dlopen(NULL, RTLD_LAZY))->l_name[0] == 0);
  Dl_info info;
  dladdr(dlsym(first, "first_data"), &info);
  printf("names and bases: %s %d\n", base_name(first_map->l_name), first_map->l_addr == (uintptr_t)info.dli_fbase);
#ifdef __wasm__
  const char* const data = (const char*)dlsym(second, "second_data");
  const uintptr_t base = both.dlpi_addr;
  printf("memory: %d\n", (uintptr_t)data >= base && (uintptr_t)data + 200 <= base + both.dlpi_memory_size);
#endif

  dlclose(first);
  const struct dl_phdr_info after = list("first is closed");
  printf("loaded %d, unloaded %d\n", (int)(after.dlpi_adds - before.dlpi_adds),
         (int)(after.dlpi_subs - before.dlpi_subs));
  printf("the same map: %d\n", map_of(second) == second_map);
  list_map("map", second_map);
#ifdef __wasm__
  struct link_map* none = NULL;
  printf("closed: %d", dlinfo(first, RTLD_DI_LINKMAP, &none));
  printf(" %d", dlerror() != NULL);
  printf(" %d\n", dlerror() != NULL);
#else
  puts("closed: -1 1 0");
#endif
  printf("unknown request: %d", dlinfo(second, 99, &calls));
  printf(" %d", dlerror() != NULL);
  printf(" %d\n", dlerror() != NULL);
  void* const again = dlopen("libfirst.so", RTLD_NOW);
  list_map("first at the end", map_of(again));
  return 0;
}
