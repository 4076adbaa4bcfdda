char data[10] = {1};
static char zeros[SIZE];

char* get_zeros(void) {
  return zeros;
}

int size_of_zeros(void) {
  return SIZE;
}
