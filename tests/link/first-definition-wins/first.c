WEAK const char* who(void) {
  return "first";
}

WEAK int number = 1;

const char* who_from_first(void) {
  return who();
}
