int data = 200;

int who(void) {
  return 2;
}
