#include <stdio.h>

#include <typeindex>
#include <unordered_map>

#include "animals.h"

struct Puppy : Dog {
  const char* sound() const override { return "yip"; }
};

int main() {
  const std::unique_ptr<Animal> animals[] = {make_dog(),
                                             make_duck(),
                                             make_box(),
                                             make_hidden(),
                                             std::make_unique<Puppy>(),
                                             std::make_unique<Box<int>>(),
                                             std::make_unique<Box<char>>()};
  for (const auto& animal : animals) {
    const auto* swimmer = dynamic_cast<const Swimmer*>(animal.get());
    printf("%-6s dog %d, duck %d %d, box %d %d, swims %d", animal->sound(),
           dynamic_cast<const Dog*>(animal.get()) != nullptr, dynamic_cast<const Duck*>(animal.get()) != nullptr,
           is_duck(*animal), dynamic_cast<const Box<int>*>(animal.get()) != nullptr, is_box(*animal),
           swimmer != nullptr);
    // Across to the other base and back; and to the whole object.
    printf(", back %d\n", swimmer == nullptr || (dynamic_cast<const Animal*>(swimmer) == animal.get() &&
                                                 dynamic_cast<const void*>(swimmer) == animal.get()));
  }

  const Animal& dog = *animals[0];
  printf("typeid: %d%d%d%d\n", typeid(dog) == typeid(Dog), type_of(dog) == typeid(Dog), box_type() == typeid(Box<int>),
         type_of(*animals[4]) == typeid(Puppy));
  printf("typeid differs: %d%d%d\n", typeid(dog) != typeid(Animal), box_type() != typeid(Box<char>),
         type_of(*animals[3]) != typeid(Duck));
  printf("one copy: %d%d\n", &type_of(dog) == &typeid(Dog), &box_type() == &typeid(Box<int>));
  printf("%s %s\n", type_of(*animals[4]).name(), box_type().name());

  std::unordered_map<std::type_index, int> counts;
  for (const auto& animal : animals) {
    ++counts[type_of(*animal)];
  }
  printf("%d boxes, %d puppies, %zu types\n", counts[typeid(Box<int>)], counts[typeid(Puppy)], counts.size());

  try {
    (void)dynamic_cast<const Duck&>(dog);
  } catch (const std::bad_cast&) {
    puts("a dog is no duck");
  }
  try {
    const Animal* none = nullptr;
    puts(typeid(*none).name());
  } catch (const std::bad_typeid&) {
    puts("nothing has no type");
  }
}
