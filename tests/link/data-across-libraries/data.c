struct record {
  char name[12];
  double weight;
  int values[3];
};

int counter = 5;
struct record record = {"library", 2.5, {1, 2, 3}};
const char* const words[] = {"zero", "one"};
long long wide = 0x123456789abcdef;

int sum(void) {
  return counter + record.values[0] + record.values[1] + record.values[2];
}

void change(void) {
  counter = -1;
  record.weight *= 2;
  record.name[0] = 'F';
  wide = -wide;
}
