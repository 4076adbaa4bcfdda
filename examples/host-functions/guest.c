#include <stdio.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("registry", "set") void registry_set(const char* name, double value);
IMPORT("registry", "get") double registry_get(const char* name);
IMPORT("registry", "each") void registry_each(void (*visit)(double value));
IMPORT("math", "cbrt") double host_cbrt(double x);

static double sum;

static void add(double value) {
  sum += value;
}

int main(void) {
  registry_set("one", 1);
  registry_set("twenty-seven", 27);
  registry_each(add);
  printf("sum %g, cube root %g\n", sum, host_cbrt(registry_get("twenty-seven")));
  fflush(stdout);
  return (int)registry_get("nothing");
}
