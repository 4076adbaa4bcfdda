extern _Thread_local int shared_number, second;

int add(int argument) {
  return shared_number += argument;
}

int* importers_second(void) {
  return &second;
}
