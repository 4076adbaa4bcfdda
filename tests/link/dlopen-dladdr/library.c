int first_data[4] = {1, 2, 3, 4};
static int padding[4] = {5, 6, 7, 8};

int library_function(int number) {
  return number + padding[number];
}

static int hidden_function(int number) {
  return number * 2;
}

int (*get_hidden(void))(int) {
  return hidden_function;
}
