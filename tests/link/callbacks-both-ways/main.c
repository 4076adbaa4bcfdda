#include <stdio.h>

typedef long long step(long long value, double weight, void* state);
typedef step* chooser(int which);

long long repeat(step* first, int times, void* state);
chooser* get_chooser(void);
int nested(int depth, int (*call)(int));

static long long add(long long value, double weight, void* state) {
  ++*(int*)state;
  return value + (long long)(weight * 2);
}

static int back(int depth) {
  return depth <= 0 ? 0 : 1 + nested(depth - 1, back);
}

int main(void) {
  int calls = 0;
  printf("%lld", repeat(add, 5, &calls));
  printf(" after %d calls\n", calls);
  chooser* choose = get_chooser();
  printf("%lld %lld\n", choose(0)(10, 0.5, &calls), choose(1)(10, 0.5, &calls));
  printf("depth %d\n", back(1000));
  return 0;
}
