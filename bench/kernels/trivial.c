// Does nothing: what is measured is the start and the end of the process.
int main(void) {
  return 0;
}
