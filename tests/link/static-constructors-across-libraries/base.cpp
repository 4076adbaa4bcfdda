#include <iostream>

#include "log.h"

std::vector<std::string>& journal() {
  static std::vector<std::string> lines;
  return lines;
}

// std::cout is ready in constructors, and still there in destructors.
Named::Named(std::string name) : name_(std::move(name)) {
  std::cout << "made: " << name_ << '\n';
}

Named::~Named() {
  std::cout << "destroyed: " << name_ << '\n';
}

Registered::Registered(const char* name) {
  journal().push_back(name);
}

static Named base("base");
static Registered registered("base");
