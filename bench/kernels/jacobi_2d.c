// Each point becomes the mean of itself and its four neighbours, from one matrix to another and back.
enum { size = 250, steps = 100 };
#include "matrix.h"

static __attribute__((noinline)) void step(const Row* from, Row* to) {
  for (int i = 1; i < size - 1; i++) {
    for (int j = 1; j < size - 1; j++) {
      to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][1 + j] + from[1 + i][j] + from[i - 1][j]);
    }
  }
}

static long long one_round(void) {
  Row *a = new_matrix(2), *b = new_matrix(3);
  start_clock();
  for (int i = 0; i < steps; i++) {
    step(a, b);
    step(b, a);
  }
  stop_clock();
  double sum = sum_of_matrix(a);
  free(a), free(b);
  return digits(sum, 1e-4);
}
