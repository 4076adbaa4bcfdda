#pragma once

#include <memory>
#include <typeinfo>

// The key function of each is in libanimals.so, and so is its type information.
struct Animal {
  virtual ~Animal();
  virtual const char* sound() const = 0;
};
struct Swimmer {
  virtual ~Swimmer();
};
struct Dog : Animal {
  const char* sound() const override;
};
struct Duck : Animal, Swimmer {
  const char* sound() const override;
};

// No key function: every module that uses it has its own copy.
template <class T>
struct Box : Animal {
  const char* sound() const override { return "rattle"; }
};

// libanimals.so
std::unique_ptr<Animal> make_dog();
std::unique_ptr<Animal> make_duck();
std::unique_ptr<Animal> make_box();
std::unique_ptr<Animal> make_hidden();

// libquestions.so
bool is_duck(const Animal&);
bool is_box(const Animal&);
const std::type_info& type_of(const Animal&);
const std::type_info& box_type();
