#include "animals.h"

Animal::~Animal() = default;
Swimmer::~Swimmer() = default;

const char* Dog::sound() const {
  return "woof";
}

const char* Duck::sound() const {
  return "quack";
}

namespace {
struct Hidden : Duck {};
}  // namespace

std::unique_ptr<Animal> make_dog() {
  return std::make_unique<Dog>();
}

std::unique_ptr<Animal> make_duck() {
  return std::make_unique<Duck>();
}

std::unique_ptr<Animal> make_box() {
  return std::make_unique<Box<int>>();
}

std::unique_ptr<Animal> make_hidden() {
  return std::make_unique<Hidden>();
}
