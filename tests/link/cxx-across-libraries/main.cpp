#include <stdio.h>

#include "shape.h"

namespace {

class Rectangle final : public Shape {
 public:
  Rectangle(int width, int height) : width_(width), height_(height) {}
  int area() const override { return width_ * height_; }

 private:
  int width_, height_;
};

Counted counted;

struct Last {
  ~Last() { puts("main's object is destroyed"); }
} last;

}  // namespace

int main() {
  const Rectangle rectangle(2, 3);
  const Shape& square = make_square(4);
  const Shape* shapes[] = {&rectangle, &square};
  printf("%d %s %s\n", total_area(shapes, 2), square.name(), rectangle.name());
  printf("%d counted, largest %d\n", instances(), largest(3, 4));
}
