// The Mandelbrot set in fixed point numbers by two threads, which take lines from an atomic counter.
#include <stdatomic.h>
#include <stdint.h>

#include "measure.h"
#include "two_threads.h"

enum { size = 500, most_steps = 300, fraction_bits = 24, four = 4 << fraction_bits };

static atomic_int next_line;
static atomic_llong all_steps;

static int steps_at(int64_t x, int64_t y) {
  int64_t real = 0, imaginary = 0;
  for (int steps = 0; steps < most_steps; steps++) {
    int64_t real_square = real * real >> fraction_bits, imaginary_square = imaginary * imaginary >> fraction_bits;
    if (real_square + imaginary_square > four) {
      return steps;
    }
    imaginary = (real * imaginary >> (fraction_bits - 1)) + y;
    real = real_square - imaginary_square + x;
  }
  return most_steps;
}

// From -2 to 1, and from -1.5 to 1.5.
static int64_t coordinate(int index, int twice_first) {
  return (((int64_t)twice_first * (1 << fraction_bits)) / 2) + ((3LL << fraction_bits) * index / size);
}

static void take_lines(int thread) {
  (void)thread;
  for (int line; (line = atomic_fetch_add(&next_line, 1)) < size;) {
    long long steps = 0;
    for (int column = 0; column < size; column++) {
      steps += steps_at(coordinate(column, -4), coordinate(line, -3));
    }
    atomic_fetch_add(&all_steps, steps);
  }
}

static long long one_round(void) {
  atomic_store(&next_line, 0);
  atomic_store(&all_steps, 0);
  start_clock();
  in_two_threads(take_lines);
  stop_clock();
  return atomic_load(&all_steps);
}
