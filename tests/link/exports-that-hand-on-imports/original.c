int original(int number) {
  return number * 100;
}
