extern int destructions;
char data[50000] = {7};

int value(int number) {
  return number + data[0];
}

int (*pointer)(int) = value;

__attribute__((destructor)) static void destruct(void) {
  ++destructions;
}
