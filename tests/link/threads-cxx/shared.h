#pragma once
#include <string>
#include <vector>

// What happens in one thread, in order. Each thread has its own, which lives as long as the thread.
void note(const std::string& what);

struct Noted {
  explicit Noted(std::string its_name) : name(std::move(its_name)) { note("+" + name); }
  ~Noted() { note("-" + name); }
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  std::string name;
  int uses = 0;
};

struct LibraryError {
  explicit LibraryError(int its_number) : number(its_number) {}
  int number;
  virtual ~LibraryError() = default;
};

int use_library();
void throw_from_library(int number);
int call_and_catch(void (*function)(int), int number);
