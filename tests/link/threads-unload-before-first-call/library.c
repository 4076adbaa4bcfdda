int add(int argument);

int stay(void (*function)(void)) {
  function();
  return add(1) + add(2);
}
