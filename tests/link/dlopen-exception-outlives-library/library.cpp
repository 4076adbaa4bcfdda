#include <stdexcept>

struct Own : std::runtime_error {
  using std::runtime_error::runtime_error;
  ~Own() override {}
};

extern "C" void fail(int own) {
  if (own != 0) {
    throw Own("its own type");
  }
  throw std::runtime_error("a type of the C++ library");
}
