char data[200000] = {1};

int call(void (*function)(void)) {
  function();
  return data[0];
}
