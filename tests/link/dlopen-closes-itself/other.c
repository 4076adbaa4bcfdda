char other[100000] = {1};

int call(void) {
  return other[1];
}
