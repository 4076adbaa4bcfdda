#include <dlfcn.h>
#include <stddef.h>

// Of main: comes back in both constructors when both are there.
void meet(void);

static void* other;
static int is_constructed;

__attribute__((constructor)) static void construct(void) {
  meet();
  other = dlopen(OTHER, RTLD_NOW);
  is_constructed = 1;
}

int has_other(void) {
  return is_constructed && other != NULL;
}

int close_other(void) {
  return dlclose(other);
}

int number(void) {
  return NUMBER;
}

int number_of_other(void) {
  return ((int (*)(void))dlsym(other, "number"))();
}
