unsigned char pattern[100000];

__attribute__((constructor)) static void construct(void) {
  for (unsigned i = 0; i < sizeof pattern; ++i) {
    pattern[i] = (unsigned char)(i * 7);
  }
}

int pattern_is_whole(void) {
  for (unsigned i = 0; i < sizeof pattern; ++i) {
    if (pattern[i] != (unsigned char)(i * 7)) {
      return 0;
    }
  }
  return 1;
}
