// Loops around one call, or one use of variables, each; what differs is where the callee or the variable is.
// Every loop takes the number of rounds and returns something that depends on each of them.
#pragma once

// Of libadd.c, in another library.
extern int add(int a, int b);
extern int e0, e1, e2, e3, e4, e5, e6, e7;

// The same function, in this module.
static __attribute__((noinline)) int add_local(int a, int b) {
  __asm__ volatile("");
  return (a + b) ^ 0x5a;
}

static int l0 = 1, l1 = 2, l2 = 3, l3 = 4, l4 = 5, l5 = 6, l6 = 7, l7 = 8;

typedef int (*Function)(int, int);
static Function volatile hidden;  // so that no compiler knows what a pointer points to

static int loop_empty(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = (sum + i) ^ 0x5a;
    __asm__ volatile("" : "+r"(sum));
  }
  return sum;
}

static int loop_local(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = add_local(sum, i);
  }
  return sum;
}

static int loop_import(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = add(sum, i);
  }
  return sum;
}

static int loop_through(Function function, int rounds) {
  hidden = function;
  Function callee = hidden;
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = callee(sum, i);
  }
  return sum;
}

static int loop_pointer_local(int rounds) {
  return loop_through(add_local, rounds);
}
static int loop_pointer_import(int rounds) {
  return loop_through(add, rounds);
}

// Takes the function's address anew in each round: from the GOT.
static int loop_pointer_got(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    Function callee = add;
    __asm__ volatile("" : "+r"(callee));
    sum = callee(sum, i);
  }
  return sum;
}

static __attribute__((noinline)) int use_none(int a, int i) {
  __asm__ volatile("" ::: "memory");
  return (a + i) ^ 0x5a;
}

static __attribute__((noinline)) int use_imported(int a, int i) {
  __asm__ volatile("" ::: "memory");
  return (a + (e0 ^ e1) + (e2 ^ e3) + (e4 ^ e5) + (e6 ^ e7) + i) ^ 0x5a;
}

static __attribute__((noinline)) int use_local(int a, int i) {
  __asm__ volatile("" ::: "memory");
  return (a + (l0 ^ l1) + (l2 ^ l3) + (l4 ^ l5) + (l6 ^ l7) + i) ^ 0x5a;
}

// Writes all the variables, so that none is a constant.
static void change_variables(int by) {
  l0 += by, l1 += by, l2 -= by, l3 ^= by, l4 |= by, l5 += by, l6 += by, l7 ^= by;
  e0 += by, e1 ^= by, e2 += by, e3 += by, e4 -= by, e5 += by, e6 += by, e7 += by;
}

static int loop_data_none(int rounds) {
  return loop_through(use_none, rounds);
}

static int loop_data_local(int rounds) {
  change_variables(rounds);
  return loop_through(use_local, rounds);
}

static int loop_data_imported(int rounds) {
  change_variables(rounds);
  return loop_through(use_imported, rounds);
}
