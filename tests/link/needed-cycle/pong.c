#include <stdio.h>

int ping(int rounds);
extern const char ping_name[];
const char pong_name[] = "pong";
const char* pong_says = ping_name;

__attribute__((constructor)) static void construct(void) {
  puts("pong is ready");
}

int pong(int rounds) {
  return rounds == 0 ? 0 : 1 + ping(rounds - 1);
}
