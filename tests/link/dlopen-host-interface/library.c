int value = 5;

int a_function_with_a_rather_long_name(int number) {
  return number + value;
}
