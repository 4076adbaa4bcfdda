int value(void) {
  return VALUE;
}

int late(void) {
  return VALUE + 1;
}
