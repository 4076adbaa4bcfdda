#include <dlfcn.h>

#include <cstdio>

extern "C" void set_throws(bool value);

static void open_one() {
  try {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (handle == nullptr) {
      std::printf("%s\n", dlerror());
    } else {
      std::printf("opened %d\n", *static_cast<char*>(dlsym(handle, "data")));
      dlclose(handle);
    }
  } catch (...) {
    std::puts("it came out of dlopen");
  }
}

int main() {
  set_throws(true);
  open_one();
  set_throws(false);
  open_one();
  return 0;
}
