int nowhere(int number);

int present(void) {
  return 5;
}

int call_missing(void) {
  return nowhere(1);
}
