char NAME[40000000];

__attribute__((constructor)) static void construct(void) {
  NAME[39999999] = 1;
}
