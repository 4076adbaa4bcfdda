#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void start_a(void);

static void first(void) {
  puts("main: first");
}

static void second(void) {
  puts("main: second");
}

static void third(void) {
  puts("main: third");
  atexit(second);  // what is registered meanwhile runs next
}

__attribute__((constructor)) static void construct(void) {
  puts("main: constructor");
}

__attribute__((destructor)) static void destruct(void) {
  puts("main: destructor");
}

static void* open_and_start(const char* name, const char* function) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    puts(dlerror());
    exit(1);
  }
  ((void (*)(void))dlsym(handle, function))();
  return handle;
}

int main(int count, char** arguments) {
  puts("main");
  atexit(first);
#ifdef NEEDS_A
  start_a();
#endif
  void* const b = open_and_start("libb.so", "start_b");
  open_and_start("libc2.so", "start_c");
  dlclose(b);
  open_and_start("libb.so", "start_b");
  atexit(third);
  puts("exit");
  if (count > 1) {
    exit(5);
  }
  return 0;
}
