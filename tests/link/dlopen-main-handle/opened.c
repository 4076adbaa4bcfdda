int in_opened(void) {
  return 3;
}
