typedef long long step(long long value, double weight, void* state);
typedef step* chooser(int which);

long long repeat(step* first, int times, void* state) {
  long long value = 0;
  for (int i = 0; i < times; ++i) {
    value = first(value, i + 0.5, state);
  }
  return value;
}

static long long multiply(long long value, double weight, void* state) {
  return (long long)((double)value * weight);
}

static long long divide(long long value, double weight, void* state) {
  return (long long)((double)value / weight);
}

static step* choose(int which) {
  return which == 0 ? multiply : divide;
}

chooser* get_chooser(void) {
  return choose;
}

int nested(int depth, int (*call)(int)) {
  return depth <= 0 ? 0 : 1 + call(depth - 1);
}
