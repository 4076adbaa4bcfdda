// Weak, so that the static linker leaves the library's own calls to the dynamic one.
__attribute__((weak)) int answer(void) {
  return 1;
}

int setting = 10;

int answer_of_library(void) {
  return answer();
}

int (*answer_pointer(void))(void) {
  return answer;
}

int setting_of_library(void) {
  return setting;
}
