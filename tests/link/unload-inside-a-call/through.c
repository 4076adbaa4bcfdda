int call(void (*function)(void));

int through(void (*function)(void)) {
  return call(function) + 1;
}
