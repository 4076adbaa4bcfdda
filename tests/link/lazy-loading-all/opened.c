int silent(void);

int opened(void) {
  return 10 + silent();
}
