#include <stdio.h>

int present(int number);
double absent(long long wide, double weight);
void also_absent(void);

int main(int count, char** arguments) {
  printf("present: %d\n", present(1));
  fflush(stdout);
  if (count > 1) {
    printf("absent: %f\n", absent(1, 2.0));
  }
  if (count > 2) {
    also_absent();
  }
  return 0;
}
