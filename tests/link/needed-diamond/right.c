int next(void);

int right(void) {
  return next() * 100;
}
