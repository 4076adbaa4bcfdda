// Opens a library, calls a function that it finds there, and closes it, many times. Prints after the first round, and
// after each thousand of them, `rounds N`, `us X` (of a round, since the last such line), `memory X` (KiB of linear
// memory; 0 in native code) and `check X`; then waits for a line, so that whoever reads this can look at the process.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { rounds = 10000, block = 1000 };

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int one_round(const char* library, int argument) {
  void* handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  int (*entry)(int, int) = handle ? (int (*)(int, int))dlsym(handle, "big_entry") : NULL;
  if (!entry) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  int result = entry(argument, 1000);
  if (dlclose(handle) != 0) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return result;
}

static void tell(int done, double elapsed, unsigned check) {
  unsigned long memory = 0;
#ifdef __wasm__
  memory = __builtin_wasm_memory_size(0) * 64;
#endif
  printf("rounds %d\nus %f\nmemory %lu\ncheck %u\n", done, elapsed, memory, check);
  fflush(stdout);
  if (getchar() == EOF) {
    exit(1);
  }
}

int main(int count, char** arguments) {
  if (count != 2) {
    fputs("usage: open_close LIBRARY\n", stderr);
    return 2;
  }
  unsigned check = 0;
  double start = microseconds();
  for (int i = 0; i < rounds; i++) {
    check = check * 31 + (unsigned)one_round(arguments[1], i);
    int done = i + 1;
    if (done == 1 || done % block == 0) {
      double elapsed = microseconds() - start;
      tell(done, elapsed / (done == 1 ? 1 : done == block ? block - 1 : block), check);
      start = microseconds();
    }
  }
  return 0;
}
