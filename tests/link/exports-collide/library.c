// Both libraries define helper, shared_name, counter and a constructor; a call to one's own strong function stays
// inside.
int counter = VALUE;

__attribute__((constructor)) static void construct(void) {
  counter += VALUE;
}

int shared_name(void) {
  return VALUE;
}

__attribute__((visibility("hidden"))) int helper(void) {
  return VALUE * 10;
}

int CALL(void) {
  return shared_name() + helper();
}
