int constructed;
static int counter;

__attribute__((constructor)) static void construct(void) {
  ++constructed;
}

int next(void) {
  return ++counter;
}
