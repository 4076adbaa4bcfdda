#include <dlfcn.h>

#include <iostream>

struct Own {
  ~Own() { std::cout << "main's object ends\n"; }
};

Own own;

int main() {
  for (int i = 0; i < 2; ++i) {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (handle == nullptr) {
      std::cout << dlerror() << '\n';
      return 1;
    }
    const auto count = reinterpret_cast<int (*)(const char*)>(dlsym(handle, "count"));
    const int one = count("one");
    std::cout << one << count("one") << count("two") << '\n';
    if (i == 0) {
      dlclose(handle);
      std::cout << "closed\n";
    }
  }
  std::cout << "main ends\n";
}
