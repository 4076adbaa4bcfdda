#include <iostream>
#include <stdexcept>

struct Guard {
  ~Guard() { std::cout << "destroyed" << std::endl; }
};

void fail() {
  Guard guard;
  throw std::runtime_error("too bad");
}
