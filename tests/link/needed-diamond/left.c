int next(void);

int left(void) {
  return next() * 10;
}
