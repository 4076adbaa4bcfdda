#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int runs;

int count_runs(void) {
  return runs;
}

__attribute__((constructor)) static void construct(void) {
  ++runs;
}

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    void* const handle = dlopen(arguments[i], RTLD_NOW);
    const char* const error = dlerror();
    printf("%s: %d", arguments[i], handle == NULL);
    printf(" %d\n", error != NULL && strstr(error, arguments[i]) != NULL);
  }
  printf("runs: %d\n", runs);
  printf("library: %d\n", dlopen("liblibrary.so", RTLD_NOW) != NULL);
  return 0;
}
