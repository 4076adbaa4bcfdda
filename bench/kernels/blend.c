// Pictures: one is laid over another, brightened and blurred. Vectors of 128 bits throughout, as clang's vector types
// have them: bytes, 16-bit numbers and floats.
#include <stdint.h>
#include <string.h>

#include "measure.h"

enum { width = 512, height = 256, channels = 4, size = width * height * channels, repeats = 20 };

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint8_t HalfBytes __attribute__((vector_size(8)));
typedef uint16_t Shorts __attribute__((vector_size(16)));
typedef float Floats __attribute__((vector_size(16)));

static uint8_t below[size], above[size], blended[size];
static float light[width * height], blurred[width * height];

static Shorts low(Bytes v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), Shorts);
}

static Shorts high(Bytes v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), Shorts);
}

// (a * alpha + b * (255 - alpha)) / 255, rounded.
static HalfBytes mix(Shorts a, Shorts b, Shorts alpha) {
  Shorts sum = a * alpha + b * (255 - alpha) + 128;
  return __builtin_convertvector((sum + (sum >> 8)) >> 8, HalfBytes);
}

static __attribute__((noinline)) void blend(uint8_t* to, const uint8_t* over, const uint8_t* under) {
  for (int i = 0; i < size; i += 16) {
    Bytes a, b;
    memcpy(&a, over + i, sizeof(a));
    memcpy(&b, under + i, sizeof(b));
    Bytes alpha = __builtin_shufflevector(a, a, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
    HalfBytes first = mix(low(a), low(b), low(alpha));
    HalfBytes second = mix(high(a), high(b), high(alpha));
    Bytes mixed = __builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    Bytes brighter = __builtin_elementwise_add_sat(mixed, (Bytes){} + 16);
    Bytes result = __builtin_elementwise_max(brighter, b);
    memcpy(to + i, &result, sizeof(result));
  }
}

static Floats at(const float* from) {
  Floats v;
  memcpy(&v, from, sizeof(v));
  return v;
}

static __attribute__((noinline)) void blur(float* to, const float* from) {
  for (int y = 1; y + 1 < height; y++) {
    for (int x = 4; x + 4 < width; x += 4) {
      const float* middle = from + y * width + x;
      Floats sum = at(middle) * 4.0f;
      sum += (at(middle - 1) + at(middle + 1) + at(middle - width) + at(middle + width)) * 2.0f;
      sum += at(middle - width - 1) + at(middle - width + 1) + at(middle + width - 1) + at(middle + width + 1);
      Floats result = sum * 0.0625f;
      memcpy(to + y * width + x, &result, sizeof(result));
    }
  }
}

static long long one_round(void) {
  for (int i = 0; i < size; i++) {
    below[i] = (uint8_t)(i * 7 + i / 1000);
    above[i] = (uint8_t)(i * 13 + i / 77);
  }
  for (int i = 0; i < width * height; i++) {
    light[i] = (float)(i * 31 % 1024);
  }
  start_clock();
  for (int i = 0; i < repeats; i++) {
    blend(blended, above, below);
    blend(above, blended, below);
    blur(blurred, light);
    blur(light, blurred);
  }
  stop_clock();
  long long check = 0;
  for (int i = 0; i < size; i++) {
    check = check * 31 + above[i];
    check &= 0xffffffff;
  }
  double sum = 0;
  for (int i = 0; i < width * height; i++) {
    sum += light[i];
  }
  return check * 1000 + digits(sum, 1e4) % 1000;
}
