// Gives plugins a libc and a heap, and has nothing to do itself.
int main(void) {
  return 0;
}
