int address(int x) {
  return 10 * x;
}
