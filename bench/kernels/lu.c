// A = L U in place, without pivots: sums over the parts of a row and a column that are done.
enum { size = 250 };
#include "matrix.h"

static __attribute__((noinline)) void lu(Row* a) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) {
        a[i][j] -= a[i][k] * a[k][j];
      }
      a[i][j] /= a[j][j];
    }
    for (int j = i; j < size; j++) {
      for (int k = 0; k < i; k++) {
        a[i][j] -= a[i][k] * a[k][j];
      }
    }
  }
}

static long long one_round(void) {
  Row* a = new_matrix(2);
  for (int i = 0; i < size; i++) {
    a[i][i] += size;  // large enough to do without pivots
  }
  start_clock();
  lu(a);
  stop_clock();
  double sum = sum_of_matrix(a);
  free(a);
  return digits(sum, 1e-3);
}
