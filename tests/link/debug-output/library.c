int number = 1;
int* pointer_to_number = &number;

__attribute__((constructor)) static void construct(void) {
  ++number;
}

int ask(void) {
  return 40;
}

int call(int (*function)(void)) {
  return function();
}
