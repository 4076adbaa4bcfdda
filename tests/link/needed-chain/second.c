int third(int number);

int second(int number) {
  return third(number * 10 + 2);
}
