int shared_file_data[4096] = {5, 7};
int* pointer = &shared_file_data[0];

int bump(int number) {
  *pointer += number;
  return shared_file_data[0];
}
