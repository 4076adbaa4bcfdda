#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// From smallest to largest and back, with others in between that put all out of step.
int main(void) {
  int wrong = 0;
  int opened = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i <= 16; ++i) {
      const unsigned exponent = round == 0 ? i : 16 - i;
      char name[20];
      sprintf(name, "lib%d%u.so", round, exponent);
      void* const handle = dlopen(name, RTLD_NOW);
      if (handle == NULL) {
        printf("%s\n", dlerror());
        return 1;
      }
      char* const data = dlsym(handle, "data");
      char* const zeros = dlsym(handle, "zeros");
      wrong += ((size_t)data | (size_t)zeros) % (1u << exponent) != 0;
      wrong += *data != 1 || *zeros != 0;
      ++opened;
      free(malloc(exponent * 7 + 1));
    }
  }
  printf("%d opened, %d wrong\n", opened, wrong);
  return 0;
}
