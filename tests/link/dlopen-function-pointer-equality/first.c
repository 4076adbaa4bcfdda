int shared(int number) {
  return number + 1;
}

int data = 7;

int (*own_pointer)(int) = shared;
