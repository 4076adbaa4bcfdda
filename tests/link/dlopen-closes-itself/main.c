#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void* handle;

static void close_in_callback(void) {
  printf("close: %d\n", dlclose(handle));
  printf("is loaded: %d\n", dlopen("liblibrary.so", RTLD_NOLOAD | RTLD_NOW) != NULL);
  void* const other = dlopen("libother.so", RTLD_NOW);
  memset(dlsym(other, "other"), 0x55, 100000);
  void* const again = dlopen("liblibrary.so", RTLD_NOW);
  printf("another: %d\n", again != handle);
  dlclose(again);
}

int main(void) {
  handle = dlopen("liblibrary.so", RTLD_NOW);
  int (*const call)(void (*)(void)) = (int (*)(void (*)(void)))dlsym(handle, "call");
  printf("%d\n", call(close_in_callback));
  handle = dlopen("liblibrary.so", RTLD_NOW);
  int (*const close_itself)(void*) = (int (*)(void*))dlsym(handle, "close_itself");
  printf("%d\n", close_itself(handle));
  handle = dlopen("liblibrary.so", RTLD_NOW);
  void* (*const look_up)(void*) = (void* (*)(void*))dlsym(handle, "look_up_after_close");
  if (look_up(handle) != NULL) {
    puts("a pointer into what is gone");
  }
  puts("main ends");
  return 0;
}
