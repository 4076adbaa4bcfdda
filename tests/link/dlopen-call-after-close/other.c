int present(int number) {
  return number + 1000;
}

static int hidden(int number) {
  return number + 1000;
}

int (*get_hidden(void))(int) {
  return hidden;
}
