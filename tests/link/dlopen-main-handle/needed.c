int in_needed(void) {
  return 2;
}
