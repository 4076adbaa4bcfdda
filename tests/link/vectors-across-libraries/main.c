#include <stdio.h>

#include "library.h"

static void print_ints(const char* name, ints v) {
  printf("%s %d %d %d %d\n", name, v[0], v[1], v[2], v[3]);
}

static void print_floats(const char* name, floats v) {
  printf("%s %g %g %g %g\n", name, v[0], v[1], v[2], v[3]);
}

static int calls;

static floats halve(floats value, double weight, ints lanes) {
  ++calls;
  return value / 2 + (float)weight + __builtin_convertvector(lanes, floats);
}

static float left[1000];
static float right[1000];
static short wide[1000];
static unsigned char narrow[1000];
static int numbers[1001];

int main(void) {
  print_ints("mix", mix((ints){1, 2, 3, 4}, 10, (doubles){2, 3}, 100, (floats){1.5f, -2.5f, 3, 4}, (ints){7, 8, 9, 10},
                        (bytes){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200}, 1000, (ints){4, 3, 2, 1},
                        (ints){15, 15, 15, 15}, (ints){1, 2, 4, 8}, 5.5));
  print_floats("main's", repeat(halve, (floats){8, 16, 32, 64}, 5));
  printf("after %d calls\n", calls);
  print_floats("grow", get_step(0)((floats){1, 2, 3, 4}, 2, (ints){1, 1, 1, 1}));
  print_floats("turn", repeat(get_step(1), (floats){1, 2, 3, 4}, 3));
  bytes text =
      reversed(reversed((bytes){'s', 'i', 'x', 't', 'e', 'e', 'n', ' ', 'o', 'f', ' ', 't', 'h', 'e', 'm', '.'}));
  printf("%.16s\n", (const char*)&text);

  for (int n = 0; n < 1000; ++n) {
    left[n] = (float)(n % 7);
    right[n] = (float)(n % 5) - 2;
    wide[n] = (short)((n - 500) * 13);
  }
  for (int n = 0; n < 1001; ++n) {
    numbers[n] = n * n;
  }
  printf("dot %g sum %d\n", dot(left, right, 1000), sum(numbers, 1001));
  saturate(narrow, wide, 1000);
  int total = 0;
  for (int n = 0; n < 1000; ++n) {
    total += narrow[n];
  }
  printf("saturated %d %d %d %d\n", narrow[0], narrow[510], narrow[999], total);
  return 0;
}
