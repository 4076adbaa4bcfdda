#include <dlfcn.h>

#include <iostream>
#include <stdexcept>

int main(int count, char** arguments) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  const auto fail = reinterpret_cast<void (*)(int)>(dlsym(handle, "fail"));
  try {
    fail(count > 1);
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
    std::cout << "close: " << dlclose(handle) << std::endl;
    if (count == 1) {
      std::cout << error.what() << std::endl;
    }
  }
  std::cout << "main ends" << std::endl;
}
