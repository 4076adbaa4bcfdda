#ifdef NEXT
int NEXT(void);
int next_value(void) {
  return NEXT();
}
#endif

int get(void);
static int value;

__attribute__((constructor)) static void construct(void) {
  value = get() + NUMBER;  // of what all need, which is constructed before
}

int FUNCTION(void) {
  return value;
}
