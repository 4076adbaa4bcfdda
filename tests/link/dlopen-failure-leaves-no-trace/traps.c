#include <stdio.h>
#include <string.h>

int part(void);

static char wasted[200000] = {1};
static int zero;

// Twenty of these are more stack than there is.
__attribute__((noinline)) static void trap_with_much_stack(void) {
  volatile char on_stack[100000];
  on_stack[zero] = (char)part();
  wasted[1] = on_stack[zero];
  __builtin_trap();
}

__attribute__((constructor)) static void construct(void) {
  puts("  traps");
  trap_with_much_stack();
}

int use(void) {
  return wasted[zero];
}
