#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static int data[1000] = {1, 2, 3};

__attribute__((noinline)) static int sum(void) {
  int result = 0;
  for (int i = 0; i < 1000; ++i) {
    result += data[i];
  }
  return result;
}

// The library is closed inside, and other libraries are opened. What runs goes on with its own code and data.
int call(void (*function)(void)) {
  data[999] = 10;
  function();
  const int result = sum();
  data[0] = 100;
  return result + sum();
}

int close_itself(void* handle) {
  const int result = dlclose(handle);
  return result * 1000 + sum();
}

int own(void) {
  return 5;
}

// No new pointer is made to what is going.
void* look_up_after_close(void* handle) {
  const int result = dlclose(handle);
  void* const found = dlsym(RTLD_DEFAULT, "own");
  printf("%d %s\n", result, found == NULL ? dlerror() : "found");
  return found;
}

__attribute__((destructor)) static void destruct(void) {
  puts("destroyed");
}
