float second_absent(double number);
void third_absent(int, long long);
extern int absent_data;
int (*pointer)(int);
int pointer_absent(int number);

void library(void) {
  third_absent(1, 2);
  second_absent(1.0);
#ifdef MORE
  absent_data = 1;
  pointer = pointer_absent;
#endif
}
