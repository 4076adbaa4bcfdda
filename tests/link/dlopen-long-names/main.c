#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static char file[250] = "lib";
static char name[3001];

int main(void) {
  memset(file + 3, 'x', 200);
  strcat(file, ".so");
  for (int i = 0; i < 600; ++i) {
    memcpy(name + 5 * i, "long_", 5);
  }
  void* const handle = dlopen(file, RTLD_NOW);
  int (*const function)(int) = (int (*)(int))dlsym(handle, name);
  printf("%d\n", function(1));
  Dl_info info;
  dladdr((void*)function, &info);
  printf("%d %d\n", strcmp(info.dli_sname, name), strstr(info.dli_fname, file) != NULL);
  struct link_map* map;
  dlinfo(handle, RTLD_DI_LINKMAP, &map);
  printf("%d\n", strcmp(map->l_name, info.dli_fname));
  name[2999] = 0;
  printf("%d\n", dlsym(handle, name) == NULL);
  return 0;
}
