#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void early(void) {
  puts("  main: early");
}

static void late(void) {
  puts("  main: late");
}

void in_main(void) {
  puts("  a function of main");
}

static void* open_and_start(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  ((void (*)(void))dlsym(handle, "start"))();
  return handle;
}

int main(void) {
  atexit(early);
  void* const a = open_and_start("liba.so");
  void* const b = open_and_start("libb.so");
  atexit(late);
  puts("close a");
  dlclose(a);
  puts("open a again");
  open_and_start("liba.so");
  puts("exit");
  return b == NULL;
}
