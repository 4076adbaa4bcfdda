#include "library.h"

ints mix(ints a, int b, doubles c, long long d, floats e, ints f, bytes g, int h, ints i, ints j, ints k, double l) {
  ints converted = __builtin_convertvector(e, ints);
  return a + b + (int)c[0] * (int)c[1] + (int)d + converted + f * 2 + g[15] + h - i + (j ^ k) + (int)l;
}

floats repeat(step* each, floats value, int times) {
  for (int n = 0; n < times; ++n) {
    value = each(value, n + 0.5, (ints){n, n + 1, n + 2, n + 3});
  }
  return value;
}

static floats grow(floats value, double weight, ints lanes) {
  return value * (float)weight + __builtin_convertvector(lanes, floats);
}

static floats turn(floats value, double weight, ints lanes) {
  return __builtin_shufflevector(value, value, 1, 2, 3, 0) - (float)weight * (float)lanes[3];
}

step* get_step(int which) {
  return which == 0 ? grow : turn;
}

bytes reversed(bytes value) {
  return __builtin_shufflevector(value, value, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

// Loops that clang makes into loops over vectors.

float dot(const float* a, const float* b, int count) {
  float lanes[4] = {0};
  for (int n = 0; n < count; n += 4) {
    for (int lane = 0; lane < 4; ++lane) {
      lanes[lane] += a[n + lane] * b[n + lane];
    }
  }
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

void saturate(unsigned char* to, const short* from, int count) {
  for (int n = 0; n < count; ++n) {
    to[n] = from[n] < 0 ? 0 : from[n] > 255 ? 255 : (unsigned char)from[n];
  }
}

int sum(const int* values, int count) {
  int total = 0;
  for (int n = 0; n < count; ++n) {
    total += values[n];
  }
  return total;
}
