#include <setjmp.h>
#include <stdio.h>

jmp_buf place;
int jump_through(void (*call)(int), int value);
void jump_back(int value);
int catch_own(int levels);

static void jump(int value) {
  longjmp(place, value);
}

static int nested(int levels) {
  jmp_buf inner;
  volatile int kept = levels;
  if (setjmp(inner) == 0) {
    if (levels > 0) {
      nested(levels - 1);
    }
    longjmp(inner, 1);
  }
  return kept;
}

int main(void) {
  volatile int kept = 1;
  int value = setjmp(place);
  if (value == 0) {
    kept = 2;
    jump(5);
  }
  printf("inside main: %d %d\n", value, kept);

  value = setjmp(place);
  if (value == 0) {
    kept = 3;
    jump_back(6);
  }
  printf("out of a library: %d %d\n", value, kept);

  value = setjmp(place);
  if (value == 0) {
    jump_through(jump, 7);
    puts("not here");
  }
  printf("over a library: %d\n", value);

  printf("inside the library: %d, nested %d\n", catch_own(10), nested(20));

  int sum = 0;
  for (volatile int i = 0; i < 1000; ++i) {
    value = setjmp(place);
    if (value == 0) {
      jump_through(jump, i);
    }
    sum += value;
  }
  printf("a thousand times: %d\n", sum);
  return 0;
}
