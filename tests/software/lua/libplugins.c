// A library that package.loadlib makes global, for lateral.so, which does not say that it needs it.
int plugins_count = 3;

int plugins_register(int by) {
  return plugins_count += by;
}
