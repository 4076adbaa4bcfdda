// The library that caller.c calls and whose variables it reads.
#define EXPORT __attribute__((visibility("default")))

EXPORT int e0 = 1, e1 = 2, e2 = 3, e3 = 4, e4 = 5, e5 = 6, e6 = 7, e7 = 8;

// The exclusive or keeps a compiler that could see this from folding the caller's loop.
EXPORT int add(int a, int b) {
  return (a + b) ^ 0x5a;
}
