static int used;
char data[30000] = {7};

__attribute__((constructor)) static void construct(void) {
  data[29999] = 3;
}

static int add(int argument) {
  return argument + data[0] + data[29999] + used++;
}

int (*pointer)(int) = add;

int use(int argument) {
  return pointer(argument) + 100;
}
