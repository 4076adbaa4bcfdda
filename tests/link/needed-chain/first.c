int second(int number);

int first(int number) {
  return second(number * 10 + 1);
}
