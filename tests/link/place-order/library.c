char data[SIZE] = {1};

int sum(void) {
  return data[0] + data[SIZE - 1];
}
