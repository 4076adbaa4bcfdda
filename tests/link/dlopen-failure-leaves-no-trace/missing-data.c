int part(void);
extern int data_of_nobody;

int use(void) {
  return part() + data_of_nobody;
}
