// Opens a library and finds a function in it, once: what that takes in a process that never did. Prints `open_us X`,
// `call_us X` for the first call of what was found, and `check X`. The library that it needs is there before.
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

extern int add(int a, int b);  // of libadd.c

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int count, char** arguments) {
  if (count != 2) {
    fputs("usage: open_first LIBRARY\n", stderr);
    return 2;
  }
  int sum = add(1, 2);
  double start = microseconds();
  void* handle = dlopen(arguments[1], RTLD_LAZY | RTLD_LOCAL);
  int (*entry)(int, int) = handle ? (int (*)(int, int))dlsym(handle, "big_entry") : NULL;
  double opened = microseconds();
  if (!entry) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  unsigned check = (unsigned)entry(sum, 1000);
  double called = microseconds();
  printf("open_us %f\ncall_us %f\ncheck %u\n", opened - start, called - opened, check);
  return 0;
}
