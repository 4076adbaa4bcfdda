#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static int count_one(struct dl_phdr_info* info, size_t size, void* data) {
  ++*(int*)data;
  return 0;
}

static int libraries(void) {
  int count = 0;
  dl_iterate_phdr(count_one, &count);
  return count;
}

// Arguments: the library that cannot be opened, then what the error must name.
int main(int count, char** arguments) {
  const int before = libraries();
  size_t size = 0;
  for (int i = 0; i < 20; ++i) {
    if (dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) != NULL) {
      puts("it was opened");
      return 1;
    }
    if (i == 0) {
      const char* const error = dlerror();
      for (int name = 2; name < count; ++name) {
        if (strstr(error, arguments[name]) == NULL) {
          printf("%s is not named: %s\n", arguments[name], error);
        }
      }
    }
    if (i == 1) {
      size = __builtin_wasm_memory_size(0);
    }
  }
  printf("more libraries: %d\n", libraries() - before);
  printf("more memory: %d\n", (int)(__builtin_wasm_memory_size(0) - size));
  printf("still there: %d%d\n", dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) != NULL,
         dlopen("libpart.so", RTLD_NOW | RTLD_NOLOAD) != NULL);
  printf("visible: %d%d\n", dlsym(RTLD_DEFAULT, "use") != NULL, dlsym(RTLD_DEFAULT, "part") != NULL);

  void* const good = dlopen("libgood.so", RTLD_NOW);
  printf("good: %d\n", ((int (*)(void))dlsym(good, "good"))());
  void* const part = dlopen("libpart.so", RTLD_NOW | RTLD_GLOBAL);
  printf("part: %d\n", ((int (*)(void))dlsym(part, "part"))());
  return 0;
}
