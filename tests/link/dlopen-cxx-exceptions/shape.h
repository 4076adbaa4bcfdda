#pragma once

#include <stdexcept>

class Shape {
 public:
  virtual ~Shape() = default;
  virtual int area() const = 0;
};

struct BadShape : std::runtime_error {
  using std::runtime_error::runtime_error;
};
