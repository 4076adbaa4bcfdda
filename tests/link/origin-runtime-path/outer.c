int inner(void);

int outer(void) {
  return 10 * inner();
}
