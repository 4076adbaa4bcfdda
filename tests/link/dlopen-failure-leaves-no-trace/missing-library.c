int part(void);
int gone(void);

int use(void) {
  return part() + gone();
}
