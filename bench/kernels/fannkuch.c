// Fannkuch: for every permutation of n numbers, how often the first k of them have to be turned round (k being the
// first number) until the first is 0. Small arrays, short loops, unpredictable branches.
#include "measure.h"

enum { count = 10 };

static long long one_round(void) {
  start_clock();
  int permutation[count], turned[count], rotations[count];
  for (int i = 0; i < count; i++) {
    permutation[i] = i;
  }
  int most_flips = 0, checksum = 0, sign = 1, depth = count;
  for (;;) {
    for (; depth > 1; depth--) {
      rotations[depth - 1] = depth;
    }
    if (permutation[0] != 0) {
      for (int i = 0; i < count; i++) {
        turned[i] = permutation[i];
      }
      int flips = 0;
      for (int first = turned[0]; first != 0; first = turned[0]) {
        for (int low = 0, high = first; low < high; low++, high--) {
          int kept = turned[low];
          turned[low] = turned[high];
          turned[high] = kept;
        }
        flips++;
      }
      if (flips > most_flips) {
        most_flips = flips;
      }
      checksum += sign * flips;
    }
    sign = -sign;
    // The next permutation: rotate the first two numbers, or the first three once those have come round, and so on.
    for (;; depth++) {
      if (depth == count) {
        stop_clock();
        return (long long)checksum * 1000 + most_flips;
      }
      int first = permutation[0];
      for (int i = 0; i < depth; i++) {
        permutation[i] = permutation[i + 1];
      }
      permutation[depth] = first;
      if (--rotations[depth] > 0) {
        break;
      }
    }
  }
}
