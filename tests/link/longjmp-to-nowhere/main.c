#include <setjmp.h>
#include <stdio.h>

void jump(jmp_buf place);
jmp_buf place;

__attribute__((noinline)) static void set(void) {
  (void)setjmp(place);
}

int main(void) {
  set();
  puts("set");
  fflush(stdout);
  jump(place);
  return 0;
}
