#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main_data[4] = {1};

int main_function(int number) {
  return number;
}

static const char* base_name(const char* path) {
  const char* const slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

static Dl_info show(const char* what, const void* address) {
  Dl_info info = {NULL, NULL, NULL, NULL};
  printf("%s: ", what);
  if (dladdr(address, &info) == 0) {
    puts("nowhere");
  } else if (info.dli_sname == NULL) {
    printf("%s, no symbol %d\n", base_name(info.dli_fname), info.dli_saddr == NULL);
  } else {
    printf("%s %s+%d\n", base_name(info.dli_fname), info.dli_sname,
           (int)((const char*)address - (const char*)info.dli_saddr));
  }
  return info;
}

int main(void) {
  int on_stack = 0;
  const Dl_info main_info = show("function of main", (void*)main_function);
  show("data of main", main_data);
  show("in data of main", (char*)main_data + 9);
  show("stack", &on_stack);
  show("heap", malloc(10));
  show("null", NULL);
  show("out of memory", (void*)0xfffffff0);

  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  void* const function = dlsym(handle, "library_function");
  int* const data = (int*)dlsym(handle, "first_data");
  const Dl_info info = show("function", function);
  const Dl_info data_info = show("data", data);
  show("in data", data + 2);
  Dl_info hidden;
  void* (*const get_hidden)(void) = (void* (*)(void))dlsym(handle, "get_hidden");
  printf("hidden function: %d %s\n", dladdr(get_hidden(), &hidden), base_name(hidden.dli_fname));
  printf("same base: %d\n", info.dli_fbase == data_info.dli_fbase && info.dli_fbase == hidden.dli_fbase);
  printf("other base: %d\n", info.dli_fbase != main_info.dli_fbase);
  printf("found again: %d\n", dlsym(handle, info.dli_sname) == info.dli_saddr);

  // The same address, the same strings.
  const Dl_info again = show("again", function);
  printf("the same strings: %d\n", again.dli_sname == info.dli_sname && again.dli_fname == info.dli_fname);
  dlclose(handle);
  show("closed", data);
  show("closed function", function);
  printf("still there: %s %s\n", base_name(info.dli_fname), info.dli_sname);
  return 0;
}
