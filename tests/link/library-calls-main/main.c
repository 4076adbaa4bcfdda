#include <stdio.h>

void plugin(void);
int limit = 3;
int handled;

int handle(int item) {
  printf("handling %d\n", item);
  return ++handled;
}

int main(void) {
  plugin();
  printf("%d handled, limit %d\n", handled, limit);
  return 0;
}
