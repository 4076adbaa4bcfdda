#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

// What fails inside does not make the outer one fail; then it fails by itself.
__attribute__((constructor)) static void construct(void) {
  if (dlopen("libtraps.so", RTLD_NOW) != NULL || strstr(dlerror(), "libtraps.so") == NULL) {
    puts("it did not fail");
  }
  __builtin_trap();
}
