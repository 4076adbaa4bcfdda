int simple(void) {
  return 50;
}
