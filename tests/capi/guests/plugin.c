int native_value(int);
int from_needed(void);

static int* constructed;
int plugin_state = 1;

__attribute__((constructor)) static void construct(void) {
  constructed = &plugin_state;
  plugin_state = 2;
}

int work(int value) { return native_value(value) + from_needed() + *constructed; }
int crash(void) { __builtin_trap(); }
