#include <dlfcn.h>
#include <stdio.h>

static int use(void* handle) {
  return ((int (*)(void))dlsym(handle, "use"))();
}

static void say_whether_loaded(void) {
  void* const handle = dlopen("libshared.so", RTLD_NOW | RTLD_NOLOAD);
  printf("shared is loaded: %d\n", handle != NULL);
  if (handle != NULL) {
    dlclose(handle);
  }
}

int main(void) {
  void* const first = dlopen("libfirst.so", RTLD_NOW);
  void* const second = dlopen("libsecond.so", RTLD_NOW);
  printf("%d %d %d\n", use(first), use(second), use(first));
  // A handle finds what its library needs.
  printf("%d %d\n", dlsym(first, "count") == dlsym(second, "count"), *(int*)dlsym(first, "counter"));
  dlclose(first);
  say_whether_loaded();
  printf("%d\n", use(second));
  void* const shared = dlopen("libshared.so", RTLD_NOW);
  dlclose(second);
  say_whether_loaded();
  printf("%d\n", ((int (*)(void))dlsym(shared, "count"))());
  dlclose(shared);
  say_whether_loaded();

  // Opened twice, closed twice.
  void* const again = dlopen("libfirst.so", RTLD_NOW);
  printf("%d\n", dlopen("libfirst.so", RTLD_LAZY) == again);
  dlclose(again);
  printf("still there: %d\n", use(again));
  dlclose(again);
  puts("main ends");
  return 0;
}
