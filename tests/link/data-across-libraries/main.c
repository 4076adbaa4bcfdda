#include <stdio.h>
#include <string.h>

struct record {
  char name[12];
  double weight;
  int values[3];
};

extern int counter;
extern struct record record;
extern const char* const words[];
extern long long wide;
void change(void);
int sum(void);

int main(void) {
  printf("%d %s %.2f %d %lld %s\n", counter, record.name, record.weight, record.values[2], wide, words[1]);
  counter = 100;
  record.values[2] = 1000;
  strcpy(record.name, "from main");
  printf("library sees %d\n", sum());
  change();
  printf("%d %s %.2f %d %lld\n", counter, record.name, record.weight, record.values[2], wide);
  return 0;
}
