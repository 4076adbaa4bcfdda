int setting = 1;

__attribute__((weak)) int answer(void) {
  return 2;
}

int ask(void) {
  return answer() + setting;
}

int* setting_of_library(void) {
  return &setting;
}
