int in_other = 100;
int numbers[4] = {10, 20, 30, 40};

int twice(int number) {
  return 2 * number;
}
