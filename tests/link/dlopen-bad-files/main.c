#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char* const names[] = {
    "libdirectory.so", "libempty.so",  "libtext.so", "libtruncated.so", "libheader.so",   "libelf.so",
    "libplain.so",     "libobject.so", "libfifo.so", "libdevice.so",    "libdangling.so",
};

int main(void) {
  for (int slash = 0; slash < 2; ++slash) {
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
      char name[100];
      sprintf(name, "%s%s", slash ? "./" : "", names[i]);
      const int failed = dlopen(name, RTLD_NOW) == NULL;
      const char* const error = dlerror();
      if (!failed || error == NULL || strstr(error, names[i]) == NULL) {
        printf("%s: %d %s\n", name, failed, error == NULL ? "no error" : error);
      }
      if (strcmp(names[i], "libplain.so") == 0) {
        printf("plain: %d%d\n", strstr(error, "not a shared library") != NULL, strstr(error, "dylink.0") != NULL);
      }
    }
  }
  printf("%d\n", *(int*)dlsym(dlopen("libgood.so", RTLD_NOW), "value"));
  return 0;
}
