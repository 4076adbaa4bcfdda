#include <stdio.h>
#include <stdlib.h>

extern char __dso_handle;
int __cxa_atexit(void (*function)(void*), void* argument, void* library);
void in_main(void);

static void first(void) {
  printf("  %s: first\n", NAME);
}

static void second(void) {
  printf("  %s: second\n", NAME);
}

static void with_argument(void* argument) {
  printf("  %s: argument %s\n", NAME, (const char*)argument);
}

static void registers_more(void) {
  printf("  %s: registers more\n", NAME);
  atexit(second);
}

void start(void) {
  atexit(first);
  atexit(in_main);
  __cxa_atexit(with_argument, "a", &__dso_handle);
  atexit(registers_more);
  __cxa_atexit(with_argument, "b", &__dso_handle);
}
