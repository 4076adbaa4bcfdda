int plugin(void) {
  return 5;
}
