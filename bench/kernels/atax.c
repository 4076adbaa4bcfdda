// y = Aᵀ (A x), row by row: a sum along a row, and a multiple of a row added to a vector.
enum { size = 250, repeats = 400 };
#include "matrix.h"

static __attribute__((noinline)) void atax(const Row* a, const double* x, double* y, double* product) {
  for (int i = 0; i < size; i++) {
    y[i] = 0;
  }
  for (int i = 0; i < size; i++) {
    product[i] = 0;
    for (int j = 0; j < size; j++) {
      product[i] += a[i][j] * x[j];
    }
    for (int j = 0; j < size; j++) {
      y[j] += a[i][j] * product[i];
    }
  }
}

static long long one_round(void) {
  Row* a = new_matrix(1);
  double *x = new_vector(3), *y = new_vector(5), *product = new_vector(7);
  start_clock();
  for (int i = 0; i < repeats; i++) {
    atax(a, x, y, product);
    x[i] += y[i] / 1e9;
  }
  stop_clock();
  double sum = sum_of_vector(y);
  free(a), free(x), free(y), free(product);
  return digits(sum, 10);
}
