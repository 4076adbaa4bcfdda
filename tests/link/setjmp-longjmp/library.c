#include <setjmp.h>

extern jmp_buf place;

int jump_through(void (*call)(int), int value) {
  call(value);
  return 1;
}

void jump_back(int value) {
  longjmp(place, value);
}

static void down(jmp_buf target, int levels) {
  if (levels == 0) {
    longjmp(target, 33);
  }
  down(target, levels - 1);
}

int catch_own(int levels) {
  jmp_buf own;
  const int value = setjmp(own);
  if (value == 0) {
    down(own, levels);
  }
  return value;
}
