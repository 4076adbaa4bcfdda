void fail();

static struct Fails {
  Fails() { fail(); }
} fails;
