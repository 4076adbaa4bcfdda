int early(int (*call)(void)) {
  return 0;
}
int late(int number) {
  return 0;
}
void copy(char* target, int from, int size) {}
