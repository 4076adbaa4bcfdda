// The library that throw_catch.cpp throws from, and through.
#pragma once

// Counts, when it goes, that it was there.
struct Witness {
  int* count;
  ~Witness() { ++*count; }
};

using Step = int (*)(int depth, int value);

// Throws its argument if it is odd.
int throw_odd(int value);
// Calls `next` with one depth less; at depth 0, throws.
int pass_on(int depth, int value, Step next);
// The same, with a destructor to run on the way out.
int pass_on_with_witness(int depth, int value, Step next);

extern int witnesses;
