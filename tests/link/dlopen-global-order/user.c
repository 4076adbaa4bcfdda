int who(void);

int ask(void) {
  return who();
}
