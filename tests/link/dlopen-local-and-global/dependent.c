int provided(void);
extern int provided_data;

int call(void) {
  return provided() + provided_data;
}
