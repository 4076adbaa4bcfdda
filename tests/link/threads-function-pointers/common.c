static int calls;

int common(int argument) {
  __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
  return argument * 2;
}

int how_often(void) {
  return calls;
}
