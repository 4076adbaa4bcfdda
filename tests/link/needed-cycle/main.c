#include <stdio.h>

int ping(int rounds);
extern const char* ping_says;
extern const char* pong_says;

int main(void) {
  printf("%d rounds, %s %s\n", ping(10), ping_says, pong_says);
  return 0;
}
