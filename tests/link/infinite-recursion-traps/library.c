int back(int number);

int forever(int number) {
  return number < 0 ? 1 + forever(number - 1) : 1 + back(number + 1);
}
