int value = 20;

int add(int number) {
  return number + value;
}
