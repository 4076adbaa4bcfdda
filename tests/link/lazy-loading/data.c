int shared_value = 7;

int data(void) {
  return shared_value;
}
