int inner(void) {
  return 0;
}
