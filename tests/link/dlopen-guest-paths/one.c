int two(void);

int one(void) {
  return 10 * two();
}
