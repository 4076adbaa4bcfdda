__attribute__((noinline)) static int inner(int number) {
  return 100 / number;
}

int outer(int number) {
  return 1 + inner(number);
}
