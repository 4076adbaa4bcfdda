// What needy.so needs and nobody finds.
int absent(void) {
  return 1;
}
