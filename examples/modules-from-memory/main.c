int answer(void);

__attribute__((visibility("default"))) int ask(void) {
  return answer() * 2;
}
