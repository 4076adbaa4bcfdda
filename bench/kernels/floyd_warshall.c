// The shortest ways between all pairs of places, by way of each place in turn: sums and minima of whole numbers.
enum { size = 200 };
#include "matrix.h"

typedef int Distances[size];

static __attribute__((noinline)) void shorten(Distances* ways) {
  for (int k = 0; k < size; k++) {
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        ways[i][j] = ways[i][j] < ways[i][k] + ways[k][j] ? ways[i][j] : ways[i][k] + ways[k][j];
      }
    }
  }
}

static long long one_round(void) {
  Distances* ways = malloc(sizeof(Distances) * size);
  unsigned state = 1;
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      state = state * 1664525 + 1013904223;
      ways[i][j] = i == j ? 0 : state >> 29 == 0 ? (int)(state >> 16 & 0xff) : 9999;
    }
  }
  start_clock();
  shorten(ways);
  stop_clock();
  long long check = 0;
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      check += ways[i][j] * (1 + j % 3);
    }
  }
  free(ways);
  return check;
}
