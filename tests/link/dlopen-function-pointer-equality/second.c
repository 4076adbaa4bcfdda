int shared(int number);
extern int data;
int callback(int number);

int (*in_data)(int) = shared;
int* data_pointer = &data;
int (*callback_in_data)(int) = callback;

void* address_of_shared(void) {
  return (void*)shared;
}

int* address_of_data(void) {
  return &data;
}

void* address_of_callback(void) {
  return (void*)callback;
}
