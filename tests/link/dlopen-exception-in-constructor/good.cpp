#include <stdexcept>

extern "C" int value() {
  try {
    throw std::runtime_error("inside");
  } catch (const std::exception&) {
    return 42;
  }
}
