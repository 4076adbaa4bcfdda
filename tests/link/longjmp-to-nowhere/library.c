#include <setjmp.h>

void jump(jmp_buf place) {
  longjmp(place, 1);
}
