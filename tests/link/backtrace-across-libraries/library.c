typedef int callback(const char* how);

__attribute__((noinline)) static int helper(callback* call, const char* how) {
  return 1 + call(how);
}

int through_library(callback* call, const char* how) {
  return 1 + helper(call, how);
}

static long long other(double number) {
  return (long long)number;
}

int (*wrong_signature(void))(int) {
  return (int (*)(int))other;
}
