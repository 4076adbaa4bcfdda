#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    puts(dlerror());
    return 1;
  }
  const char* const names[] = {"function",
                               "two_results",
                               "data",
                               "mutable",
                               "wide",
                               "a_tag",
                               "a_table",
                               "memory",
                               "_initialize",
                               "__wasm_call_ctors",
                               "__wasm_apply_data_relocs",
                               "__memory_base",
                               "__table_base",
                               "__stack_pointer",
                               "__indirect_function_table",
                               "env.memory",
                               "GOT.mem.data"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    for (int in_default = 0; in_default < 2; ++in_default) {
      const void* const address = dlsym(in_default ? RTLD_DEFAULT : handle, names[i]);
      const char* const error = dlerror();
      if ((address != NULL) != (i < 3 && !in_default)) {
        printf("%s: %p\n", names[i], address);
      }
      if ((address == NULL) != (error != NULL && strstr(error, names[i]) != NULL)) {
        printf("%s: %s\n", names[i], error);
      }
    }
  }
  Dl_info info;
  const char* const data = dlsym(handle, "data");
  printf("%d %d\n", dladdr(data, &info), (int)(data - (const char*)info.dli_fbase));
  printf("%d\n", ((int (*)(int))dlsym(handle, "function"))(5));
  return 0;
}
