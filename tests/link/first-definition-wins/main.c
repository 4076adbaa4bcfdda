#include <stdio.h>

const char* who(void);
extern int number;
const char* who_from_first(void);
const char* who_from_second(void);

int main(void) {
  printf("%s, called by first %s, by second %s, number %d\n", who(), who_from_first(), who_from_second(), number);
  return 0;
}
