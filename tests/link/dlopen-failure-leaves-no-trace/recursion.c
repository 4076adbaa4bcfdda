static int zero;

__attribute__((noinline)) static int recurse(int number) {
  volatile char on_stack[200];
  on_stack[zero] = (char)number;
  return recurse(number + 1) + on_stack[zero];
}

__attribute__((constructor)) static void construct(void) {
  zero = recurse(0) * 0;
}
