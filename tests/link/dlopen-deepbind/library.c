extern int data;
int who(void);
int only_in_main(void);

static int (*in_data)(void) = who;

int ask(void) {
  return who() * 1000 + data;
}

int ask_by_pointer(void) {
  return in_data();
}

int ask_main(void) {
  return only_in_main();
}
