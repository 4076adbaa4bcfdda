// C = alpha A B + beta C: the inner loop goes along rows of B and C.
enum { size = 240 };
#include "matrix.h"

static __attribute__((noinline)) void gemm(double alpha, double beta, const Row* a, const Row* b, Row* c) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      c[i][j] *= beta;
    }
    for (int k = 0; k < size; k++) {
      for (int j = 0; j < size; j++) {
        c[i][j] += alpha * a[i][k] * b[k][j];
      }
    }
  }
}

static long long one_round(void) {
  Row *a = new_matrix(1), *b = new_matrix(2), *c = new_matrix(3);
  start_clock();
  gemm(1.5, 1.2, a, b, c);
  stop_clock();
  double sum = sum_of_matrix(c);
  free(a), free(b), free(c);
  return digits(sum, 1e-1);
}
