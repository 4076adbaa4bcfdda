struct entry {
  const char* name;
  int (*function)(int);
  int* counter;
};

int twice(int number);
int negate(int number);
extern int in_other;
extern int in_main;
extern int numbers[];
static int own = 200;

static int square(int number) {
  return number * number;
}

struct entry table[] = {
    {"square", square, &own},
    {"twice", twice, &in_other},
    {"negate", negate, &in_main},
    {0, 0, 0},
};
int* end_of_numbers = numbers + 4;
