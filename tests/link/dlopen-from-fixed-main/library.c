#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int in_main;
int twice(int number);

static int own = 3;
int (*function_of_main)(int) = twice;
int* data_of_main = &in_main;

__attribute__((constructor)) static void construct(void) {
  puts("constructed");
}

__attribute__((destructor)) static void destruct(void) {
  puts("destroyed");
}

char* describe(int number) {
  char* const text = malloc(100);
  snprintf(text, 100, "%d %d %d", function_of_main(number), *data_of_main, own++);
  return text;
}

int asks(void) {
  int (*const function)(int) = (int (*)(int))dlsym(RTLD_DEFAULT, "twice");
  return function == twice ? function(50) : -1;
}
