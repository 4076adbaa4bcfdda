#include <dlfcn.h>

#include <iostream>
#include <memory>
#include <typeinfo>

#include "shape.h"

static int throws(int number) {
  throw BadShape("of main");
}

int main() {
  for (int i = 0; i < 2; ++i) {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (handle == nullptr) {
      std::cout << dlerror() << '\n';
      return 1;
    }
    const auto make = reinterpret_cast<Shape* (*)(int)>(dlsym(handle, "make"));
    const auto call_back = reinterpret_cast<int (*)(int (*)(int))>(dlsym(handle, "call_back"));
    {
      const std::unique_ptr<Shape> shape(make(5));
      std::cout << shape->area() << (dynamic_cast<Shape*>(shape.get()) != nullptr) << (typeid(*shape) == typeid(Shape))
                << '\n';
    }
    try {
      make(-1);
    } catch (const BadShape& error) {
      std::cout << "caught " << error.what() << '\n';
    }
    std::cout << call_back(throws) << '\n';
    dlclose(handle);
  }
}
