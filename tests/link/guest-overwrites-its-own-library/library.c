int early(void) {
  return 1;
}

int late(int number) {
  int sum = 0;
  for (int i = 0; i < number; ++i) {
    sum += i * number;
  }
  return sum;
}
