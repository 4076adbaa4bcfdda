static int value;

__attribute__((constructor)) static void construct(void) {
  value = 100;
}

int quick(void) {
  return value;
}
