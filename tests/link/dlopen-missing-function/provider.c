int nowhere(int number) {
  return number + 98;
}
