// What the matrix kernels share. They are the loops of PolyBench's kernels of the same names, written anew: square
// matrices of doubles on the heap, whose `size` is known when they are compiled, and small enough for a processor's
// own caches: code is to be measured, not memory. The loops are in functions that take pointers, so that no compiler
// sees whether they overlap, or what is in them.
#pragma once
#include "measure.h"

typedef double Row[size];

// The values differ from place to place, and are between 0 and 1.
static inline Row* new_matrix(int seed) {
  Row* matrix = malloc(sizeof(Row) * size);
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      matrix[i][j] = (double)((i * (j + seed) + 7 * j + 1) % size) / size;
    }
  }
  return matrix;
}

static inline double* new_vector(int seed) {
  double* vector = malloc(sizeof(Row));
  for (int i = 0; i < size; i++) {
    vector[i] = (double)((i * seed + 1) % size) / size;
  }
  return vector;
}

static inline double sum_of_vector(const double* vector) {
  double sum = 0;
  for (int i = 0; i < size; i++) {
    sum += vector[i] * (1 + i % 3);
  }
  return sum;
}

static inline double sum_of_matrix(const Row* matrix) {
  double sum = 0;
  for (int i = 0; i < size; i++) {
    sum += sum_of_vector(matrix[i]);
  }
  return sum;
}
