__attribute__((weak)) int optional(int number);

int call(void) {
  return optional(1);
}
