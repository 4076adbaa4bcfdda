int value(void) {
  return 0;
}
