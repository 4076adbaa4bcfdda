#include <dlfcn.h>
#include <stdio.h>

int greet(int number) {
  int (*const next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "greet");
  printf("wrapper(");
  const int result = next(number + 1);
  printf(")");
  return result;
}

int has_next_of_nothing(void) {
  return dlsym(RTLD_NEXT, "has_next_of_nothing") != NULL;
}
