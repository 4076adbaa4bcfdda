// Small, and with an object at its very beginning.
char first = 1;

char* address_of_first(void) {
  return &first;
}
