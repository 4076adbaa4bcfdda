#include <dlfcn.h>
#include <stdio.h>

// What main finds so may be used by main forever, so that it is never unloaded in glibc.
static int asks_default;

static void* open_or_tell(const char* name, int flags) {
  void* const handle = dlopen(name, flags);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  }
  return handle;
}

static int call(void* handle, const char* name) {
  return ((int (*)(void))dlsym(handle, name))();
}

// A new library, each time.
static void see(const char* when) {
  void* const user = open_or_tell("libuser.so", RTLD_NOW);
  printf("%s: user %d%d", when, call(user, "sees_function"), call(user, "sees_data"));
  if (asks_default) {
    printf(", default %d", dlsym(RTLD_DEFAULT, "provided") != NULL);
  }
  printf("\n");
  dlclose(user);
}

int main(int count, char** arguments) {
  asks_default = count > 1;
  see("nobody");
  void* const provider = open_or_tell("libprovider.so", RTLD_NOW);
  see("not said");
  void* const provider2 = open_or_tell("libprovider.so", RTLD_NOW | RTLD_LOCAL);
  see("local");
  // Who needs it sees it, whatever else is said.
  void* const dependent = open_or_tell("libdependent.so", RTLD_NOW | RTLD_LOCAL);
  printf("dependent: %d\n", call(dependent, "call"));
  see("needed by a local library");
  void* const promoted = open_or_tell("libprovider.so", RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  printf("the same: %d\n", promoted == provider && provider == provider2);
  see("global");
  // Global once is global as long as it is there.
  open_or_tell("libprovider.so", RTLD_NOW | RTLD_LOCAL);
  see("still global");
  if (asks_default) {
    return 0;
  }
  for (int i = 0; i < 4; ++i) {
    dlclose(provider);
  }
  see("while dependent is open");
  dlclose(dependent);
  see("all closed");
  // A library that is opened globally makes those that it needs global as well.
  open_or_tell("libdependent.so", RTLD_NOW | RTLD_GLOBAL);
  see("global by need");
  return 0;
}
