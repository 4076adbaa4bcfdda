#include "animals.h"

bool is_duck(const Animal& animal) {
  return dynamic_cast<const Duck*>(&animal) != nullptr;
}

bool is_box(const Animal& animal) {
  return dynamic_cast<const Box<int>*>(&animal) != nullptr;
}

const std::type_info& type_of(const Animal& animal) {
  return typeid(animal);
}

const std::type_info& box_type() {
  return typeid(Box<int>);
}
