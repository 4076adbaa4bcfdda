// x += A y and z += Aᵀ w: sums along rows, and sums down columns.
enum { size = 250, repeats = 400 };
#include "matrix.h"

static __attribute__((noinline)) void mvt(const Row* a, double* x, const double* y, double* z, const double* w) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      x[i] += a[i][j] * y[j];
    }
  }
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      z[i] += a[j][i] * w[j];
    }
  }
}

static long long one_round(void) {
  Row* a = new_matrix(1);
  double *x = new_vector(3), *y = new_vector(5), *z = new_vector(7), *w = new_vector(9);
  start_clock();
  for (int i = 0; i < repeats; i++) {
    mvt(a, x, y, z, w);
  }
  stop_clock();
  double sum = sum_of_vector(x) + 2 * sum_of_vector(z);
  free(a), free(x), free(y), free(z), free(w);
  return digits(sum, 1e-1);
}
