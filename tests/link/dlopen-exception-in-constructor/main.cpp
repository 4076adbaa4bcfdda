#include <dlfcn.h>

#include <iostream>
#include <stdexcept>

int main() {
  for (int i = 0; i < 3; ++i) {
    std::cout << (dlopen("liblibrary.so", RTLD_NOW) == nullptr) << std::endl;
    std::cout << (std::string(dlerror()).find("liblibrary.so") != std::string::npos) << std::endl;
  }
  void* const good = dlopen("libgood.so", RTLD_NOW);
  std::cout << reinterpret_cast<int (*)()>(dlsym(good, "value"))() << std::endl;
  try {
    throw std::runtime_error("in main");
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
  }
}
