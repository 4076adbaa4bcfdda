int number = 7;
int* pointer = &number;

int value(void) {
  return *pointer;
}
