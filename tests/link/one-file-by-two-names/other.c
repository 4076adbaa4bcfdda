int next(void);

int next_by_other(void) {
  return next();
}
