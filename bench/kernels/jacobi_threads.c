// Jacobi's method on a square grid by two threads, half of the lines each, which meet at a barrier after each step.
#include "measure.h"
#include "two_threads.h"

enum { size = 360, steps = 400 };

static double grids[2][size][size];
static pthread_barrier_t barrier;

static void sweep(double (*restrict to)[size], double (*restrict from)[size], int begin, int end) {
  for (int i = begin; i < end; i++) {
    for (int j = 1; j < size - 1; j++) {
      to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] + from[i + 1][j]);
    }
  }
}

static void sweep_half(int thread) {
  const int middle = size / 2;
  for (int step = 0; step < steps; step++) {
    sweep(grids[(step + 1) % 2], grids[step % 2], thread == 0 ? 1 : middle, thread == 0 ? middle : size - 1);
    pthread_barrier_wait(&barrier);
  }
}

static long long one_round(void) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      grids[0][i][j] = grids[1][i][j] = (i * (j + 2) + 10.0) / size;
    }
  }
  pthread_barrier_init(&barrier, NULL, threads);
  start_clock();
  in_two_threads(sweep_half);
  stop_clock();
  pthread_barrier_destroy(&barrier);
  double sum = 0;
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) {
      sum += grids[0][i][j];
    }
  }
  return digits(sum, 1e-3);
}
