#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static char* name;

// libc is ready: it allocates and prints.
__attribute__((constructor)) static void construct(void) {
  name = malloc(20);
  strcpy(name, TEXT(NAME));
  printf("%s is constructed\n", name);
}

int NAME(void) {
  return strcmp(name, TEXT(NAME)) == 0 ? 0 : 1;
}
