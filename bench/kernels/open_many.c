// Opens libraries, calls a function of each, and keeps them open: first one, then the others. Prints `opened N` after
// both, and `check X`; then waits for a line each time, so that whoever reads this can look at the process.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned check;

static void open_one(const char* library) {
  void* handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  int (*entry)(int, int) = handle ? (int (*)(int, int))dlsym(handle, "big_entry") : NULL;
  if (!entry) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  for (int i = 0; i < 8; i++) {
    check = check * 31 + (unsigned)entry(i, 1000);
  }
}

static void tell(int opened) {
  printf("opened %d\ncheck %u\n", opened, check);
  fflush(stdout);
  if (getchar() == EOF) {
    exit(1);
  }
}

int main(int count, char** arguments) {
  if (count < 3) {
    fputs("usage: open_many LIBRARY LIBRARY...\n", stderr);
    return 2;
  }
  open_one(arguments[1]);
  tell(1);
  for (int i = 2; i < count; i++) {
    open_one(arguments[i]);
  }
  tell(count - 1);
  return 0;
}
