int good(void) {
  return 42;
}
