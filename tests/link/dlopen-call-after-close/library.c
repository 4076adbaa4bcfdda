int present(int number) {
  return number + 1;
}

static int hidden(int number) {
  return number + 2;
}

int (*get_hidden(void))(int) {
  return hidden;
}

void at_exit(void) {}
