static int four(void) {
  return 4;
}
int (*const own[])(void) = {four};
char data[100000] = {1};
