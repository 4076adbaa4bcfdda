static int number = 7;

static int add(const int* to) {
  return *to + number;
}

int (*pointer)(const int*) = add;

int value(void) {
  volatile int local = 3;
  return pointer((const int*)&local);
}
