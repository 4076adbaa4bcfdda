int first_absent(int number) {
  return 0;
}
