#include <iostream>
#include <stdexcept>

struct Early {
  Early() { std::cout << "early begins" << std::endl; }
};

struct Thrower {
  Thrower() { throw std::runtime_error("not today"); }
};

Early early;
Thrower thrower;

extern "C" int value() {
  return 1;
}
