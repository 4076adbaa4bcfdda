#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int copy(const char* from, const char* to) {
  FILE* const in = fopen(from, "rb");
  FILE* const out = fopen(to, "wb");
  if (in == NULL || out == NULL) {
    return -1;
  }
  for (int byte; (byte = fgetc(in)) != EOF;) {
    fputc(byte, out);
  }
  fclose(in);
  return fclose(out);
}

static int call(void* handle, const char* name) {
  return ((int (*)(void))dlsym(handle, name))();
}

int main(void) {
  copy("/given/libfirst.so", "/scratch/libmade.so");
  void* handle = dlopen("/scratch/libmade.so", RTLD_NOW);
  printf("%d\n", call(handle, "value"));
  // What it was loaded from is not what it runs on.
  copy("/given/libsecond.so", "/scratch/libmade.so");
  printf("%d %d\n", call(handle, "value"), call(handle, "late"));
  dlclose(handle);
  handle = dlopen("/scratch/libmade.so", RTLD_NOW);
  printf("%d %d\n", call(handle, "value"), call(handle, "late"));
  dlclose(handle);
  remove("/scratch/libmade.so");
  printf("%d\n", dlopen("/scratch/libmade.so", RTLD_NOW) == NULL);
  return 0;
}
