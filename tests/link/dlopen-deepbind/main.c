#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int data = 100;

int who(void) {
  return 1;
}

int only_in_main(void) {
  return 77;
}

int main(int count, char** arguments) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW | (count > 1 ? RTLD_DEEPBIND : 0));
  for (const char** name = (const char*[]){"ask", "ask_by_pointer", "ask_main", NULL}; *name != NULL; ++name) {
    printf("%d\n", ((int (*)(void))dlsym(handle, *name))());
  }
  return 0;
}
