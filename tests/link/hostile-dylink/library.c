int number = 7;

int value(void) {
  return number;
}
