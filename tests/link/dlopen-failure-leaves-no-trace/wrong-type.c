double part(double number);
extern int part_data;

double use(void) {
  return part(part_data);
}
