int answer(void) {
  return 2;
}

int setting = 20;
