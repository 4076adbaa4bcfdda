int alias(int number) {
  return 0;
}
