#include <dlfcn.h>
#include <stdio.h>

#if defined EXPORTS
int emscripten_stack_get_free(void) {
  return 0;
}
#elif defined IMPORTS
__attribute__((import_module("env"), import_name("emscripten_notify_memory_growth"), weak)) void
emscripten_notify_memory_growth(int memory);
void* volatile keep;
#endif

int main(void) {
#ifdef IMPORTS
  keep = (void*)emscripten_notify_memory_growth;
#endif
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  printf("%d\n", *(char*)dlsym(handle, "data"));
  return 0;
}
