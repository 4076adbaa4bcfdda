static int one(void) {
  return 1;
}
static int two(void) {
  return 2;
}
int (*const functions[])(void) = {one, two};
char needed_data[3000] = {1};
int needed_function(void) {
  return functions[1]();
}
