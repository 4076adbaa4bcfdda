#include <stdio.h>

int pong(int rounds);
extern const char pong_name[];
const char ping_name[] = "ping";
const char* ping_says = pong_name;

__attribute__((constructor)) static void construct(void) {
  puts("ping is ready");
}

int ping(int rounds) {
  return rounds == 0 ? 0 : 1 + pong(rounds - 1);
}
