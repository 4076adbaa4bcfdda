int third(int number) {
  return number * 10 + 3;
}
