// Of main: has another thread look up symbols and open a library, and waits for it.
void ask_other_thread(void);

static int is_constructed;

__attribute__((constructor)) static void construct(void) {
  ask_other_thread();
  is_constructed = 1;
}

__attribute__((destructor)) static void destruct(void) {
  ask_other_thread();
}

int was_constructed(void) {
  return is_constructed;
}
