#define FUNCTION(number)       \
  static int f##number(void) { \
    return number;             \
  }
FUNCTION(0)
FUNCTION(1) FUNCTION(2) FUNCTION(3) FUNCTION(4) FUNCTION(5) FUNCTION(6) FUNCTION(7)
#ifdef TWICE
    FUNCTION(8) FUNCTION(9) FUNCTION(10) FUNCTION(11) FUNCTION(12) FUNCTION(13) FUNCTION(14) FUNCTION(15)
#endif

        int (*functions[])(void) = {
            f0, f1, f2,  f3,  f4,  f5,  f6,  f7,
#ifdef TWICE
            f8, f9, f10, f11, f12, f13, f14, f15,
#endif
};

// Not in the table before somebody asks for its address.
int looked_up(void) {
  return 50;
}

int looked_up_too(void) {
  return 51;
}
