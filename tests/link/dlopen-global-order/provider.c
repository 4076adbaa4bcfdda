int who(void) {
  return WHO;
}
