// The linker's symbols, which a library may leave undefined.
extern char __stack_low, __stack_high;

int stack_kib(void) {
  return (int)((&__stack_high - &__stack_low) / 1024);
}

// Uses one KiB of the stack a level.
int deep(int levels) {
  volatile char frame[1000];
  for (int i = 0; i < 1000; ++i) {
    frame[i] = (char)i;
  }
  const int result = levels == 0 ? 0 : 1 + deep(levels - 1);
  for (int i = 0; i < 1000; ++i) {
    if (frame[i] != (char)i) {
      return -1000000;
    }
  }
  return result;
}
