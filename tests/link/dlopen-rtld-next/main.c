#include <dlfcn.h>
#include <stdio.h>

#ifdef MAIN_WRAPS
int greet(int number) {
  int (*const next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "greet");
  printf("main(");
  const int result = next(number + 10);
  printf(")");
  return result;
}
#else
int greet(int number);
#endif

int has_next_of_nothing(void);

int puts(const char* text) {
  int (*const next)(const char*) = (int (*)(const char*))dlsym(RTLD_NEXT, "puts");
  printf("puts: ");
  return next(text);
}

int main(void) {
  printf("=%d\n", greet(1));
  puts("text");
#ifndef PRELOADS
  printf("%d\n", has_next_of_nothing());
  puts(dlerror() != NULL ? "an error" : "no error");
#endif
  return 0;
}
