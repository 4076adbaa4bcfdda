#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  for (int i = 0; i < 6; ++i) {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    int* const data = (int*)dlsym(handle, "data");
    char* const zeros = (char*)dlsym(handle, "zeros");
    int** const pointer = (int**)dlsym(handle, "pointer");
    int (*const count)(void) = (int (*)(void))dlsym(handle, "count");
    int (*const sum_of_zeros)(void) = (int (*)(void))dlsym(handle, "sum_of_zeros");
    printf("%d %d %d, %d, %d", data[0], data[1], data[2], *pointer == data + 1, count() + count());
    printf(", %d %d\n", sum_of_zeros(), ((int* (*)(void))dlsym(handle, "get_data"))() == data);
    data[0] = data[1] = data[2] = 100;
    *pointer = NULL;
    memset(zeros, 0xff, 100000);
    dlclose(handle);
    if (i % 2 == 1) {
      // Takes room elsewhere, or here.
      void* const other = dlopen("libother.so", RTLD_NOW);
      memset(dlsym(other, "other"), 0xee, 300000);
      if (i == 3) {
        dlclose(other);
      }
    }
  }
  return 0;
}
