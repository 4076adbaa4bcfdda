// Cannot be opened: nobody has that data.
extern int no_such_data;

int* get_data(void) {
  return &no_such_data;
}
