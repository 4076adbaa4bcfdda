static int twice(int number) {
  return 2 * number;
}

int (*const table[])(int) = {twice};
char needed_data[200000] = {1};

int needed(void) {
  return table[0](needed_data[0]);
}
