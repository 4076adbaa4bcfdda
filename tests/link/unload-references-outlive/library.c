static int calls;

int function(void) {
  return ++calls;
}
