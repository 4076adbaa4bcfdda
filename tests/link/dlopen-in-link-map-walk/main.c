#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static void* second;

// Closes what comes after, and opens what comes at the end.
static int change(struct dl_phdr_info* info, size_t size, void* data) {
  ++*(int*)data;
  if (strstr(info->dlpi_name, "libfirst.so") != NULL) {
    printf("close: %d\n", dlclose(second));
    printf("open: %d\n", dlopen("libthird.so", RTLD_NOW) != NULL);
  } else if (strstr(info->dlpi_name, "libsecond.so") != NULL || strstr(info->dlpi_name, "libthird.so") != NULL) {
    const char* const slash = strrchr(info->dlpi_name, '/');
    puts(slash == NULL ? info->dlpi_name : slash + 1);
  }
  return *(int*)data == 100;
}

int main(void) {
  int calls = 0;
  dlopen("libfirst.so", RTLD_NOW);
  second = dlopen("libsecond.so", RTLD_NOW);
  printf("%d\n", dl_iterate_phdr(change, &calls));
  return 0;
}
