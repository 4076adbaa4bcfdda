__attribute__((constructor)) static void construct(void) {
  __builtin_trap();
}

int broken(void) {
  return 5;
}
