int optional(int number) {
  return number + 1;
}

int optional_data = 41;
