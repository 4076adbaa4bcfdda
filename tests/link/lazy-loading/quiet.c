// No constructors, and nobody takes the address of its data: when it is instantiated is nobody's business.
static int calls = 100;
static int (*const table[])(int);

static int once(int x) {
  return x + calls++;
}
static int twice(int x) {
  return once(once(x));
}
static int (*const table[])(int) = {once, twice};

int quiet(int x) {
  return table[x & 1](x);
}
