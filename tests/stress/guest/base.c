// What many of the libraries need.
static _Thread_local int own = 31;
static int constructed;

__attribute__((constructor)) static void construct(void) {
  constructed = 1;
}

// 1,000 more, when all is as it should be.
int base(int argument) {
  const int right = constructed == 1 && own == 31;
  own = 0;
  own = 31;
  return right ? argument + 1000 : -1;
}
