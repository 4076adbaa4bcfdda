// D = alpha A B C + beta D: products of rows and columns, so that the inner loop goes down a column.
enum { size = 210 };
#include "matrix.h"

static __attribute__((noinline)) void two_products(double alpha, double beta, Row* product, const Row* a, const Row* b,
                                                   const Row* c, Row* d) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      product[i][j] = 0;
      for (int k = 0; k < size; k++) {
        product[i][j] += alpha * a[i][k] * b[k][j];
      }
    }
  }
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      d[i][j] *= beta;
      for (int k = 0; k < size; k++) {
        d[i][j] += product[i][k] * c[k][j];
      }
    }
  }
}

static long long one_round(void) {
  Row *a = new_matrix(1), *b = new_matrix(2), *c = new_matrix(3), *d = new_matrix(4), *product = new_matrix(5);
  start_clock();
  two_products(1.5, 1.2, product, a, b, c, d);
  stop_clock();
  double sum = sum_of_matrix(d);
  free(a), free(b), free(c), free(d), free(product);
  return digits(sum, 1);
}
