#include <stdio.h>

#include "shape.h"

namespace {

class Square final : public Shape {
 public:
  explicit Square(int side) : side_(side) {}
  int area() const override { return side_ * side_; }
  const char* name() const override { return "square"; }
  void resize(int side) { side_ = side; }

 private:
  int side_;
};

Square square(0);
Counted counted;

struct Last {
  ~Last() { puts("the library's object is destroyed"); }
} last;

}  // namespace

Shape& make_square(int side) {
  square.resize(side);
  return square;
}

int total_area(const Shape* const* shapes, int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) {
    total = largest(total, 0) + shapes[i]->area();
  }
  return total;
}
