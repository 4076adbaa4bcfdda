#include "libthrow.h"

int witnesses;

int throw_odd(int value) {
  if (value & 1) {
    throw value;
  }
  return value;
}

int pass_on(int depth, int value, Step next) {
  if (depth == 0) {
    return throw_odd(value);
  }
  return next(depth - 1, value) + 1;
}

int pass_on_with_witness(int depth, int value, Step next) {
  if (depth == 0) {
    return throw_odd(value);
  }
  Witness witness{&witnesses};
  return next(depth - 1, value) + 1;
}
