#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int in_main = 30;

int twice(int number) {
  return 2 * number;
}

int main(void) {
  char* const before = malloc(100000);
  memset(before, 1, 100000);
  for (int i = 0; i < 2; ++i) {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (handle == NULL) {
      puts(dlerror());
      return 1;
    }
    char* (*const describe)(int) = (char* (*)(int))dlsym(handle, "describe");
    char* const text = describe(4);
    char* const more = describe(5);
    char* const after = malloc(100000);
    memset(after, 2, 100000);
    printf("%s, %s, %d\n", text, more, ((int (*)(void))dlsym(handle, "asks"))());
    free(text);
    free(more);
    free(after);
    Dl_info info;
    printf("%d %s\n", dladdr((void*)describe, &info), info.dli_sname);
    printf("%d %s\n", dladdr(&in_main, &info), info.dli_sname);
    dlclose(handle);
    ++in_main;
  }
  for (int i = 0; i < 100000; ++i) {
    if (before[i] != 1) {
      return 2;
    }
  }
  printf("%d\n", dlopen("libnowhere.so", RTLD_NOW) == NULL);
  printf("%d\n", strstr(dlerror(), "libnowhere.so") != NULL);
  return 0;
}
