int inner(void) {
  return VALUE;
}
