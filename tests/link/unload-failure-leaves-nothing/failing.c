#include <stdio.h>
#include <stdlib.h>

extern int (*const functions[])(void);
int needed_function(void);
int callback(void);

static int three(void) {
  return 3;
}
int (*const own[])(void) = {three, callback, needed_function};
char data[100000] = {1};

#if defined MISSING
int nowhere(void);
extern int nowhere_data;
int use(void) {
  return nowhere() + functions[0]() + own[0]();
}
int* use_data(void) {
  return &nowhere_data;
}
#elif defined TRAPS
static int zero;

static void at_exit(void) {
  puts("an atexit function of a library that was never opened");
}

__attribute__((destructor)) static void destruct(void) {
  puts("a destructor of a library that was never opened");
}

__attribute__((noinline)) static void trap_deep(int levels) {
  volatile char frame[1000];
  frame[0] = (char)levels;
  if (levels == 0) {
    __builtin_trap();
  }
  trap_deep(levels - 1);
  frame[1] = frame[0];
}

__attribute__((constructor)) static void construct(void) {
  atexit(at_exit);
  data[zero] = (char)own[2]();
  trap_deep(100);
}
#elif defined HUGE
char huge[2000000000] = {0};
int use(void) {
  return huge[own[0]()];
}
#endif
