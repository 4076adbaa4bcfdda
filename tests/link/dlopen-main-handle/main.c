#include <dlfcn.h>
#include <stdio.h>

int in_needed(void);
int in_main_data = 10;

int in_main(void) {
  return 1;
}

static void look(void* handle, const char* name) {
  int (*const function)(void) = (int (*)(void))dlsym(handle, name);
  if (function == NULL) {
    printf(" %s:no", name);
    dlerror();
  } else {
    printf(" %d", function());
  }
}

static void look_for_all(const char* when, void* handle) {
  printf("%s:", when);
  look(handle, "in_main");
  look(handle, "in_needed");
  look(handle, "in_opened");
  printf("\n");
}

int main(void) {
  void* const self = dlopen(NULL, RTLD_LAZY);
  printf("%d %d %d\n", self != NULL, self == dlopen(NULL, RTLD_NOW | RTLD_GLOBAL), in_needed());
  printf("%d\n", *(int*)dlsym(self, "in_main_data"));
  look_for_all("at first", self);
  look_for_all("at first, default", RTLD_DEFAULT);

  void* const local = dlopen("libopened.so", RTLD_NOW | RTLD_LOCAL);
  look_for_all("local", self);
  look_for_all("local, default", RTLD_DEFAULT);
  look_for_all("local, by its handle", local);

  void* const global = dlopen("libopened.so", RTLD_NOW | RTLD_GLOBAL);
  printf("%d\n", local == global);
  look_for_all("global", self);
  look_for_all("global, default", RTLD_DEFAULT);

  printf("%d %d %d\n", dlclose(self), dlclose(self), dlclose(dlopen(NULL, RTLD_LAZY)));
  look_for_all("still", RTLD_DEFAULT);
  return 0;
}
