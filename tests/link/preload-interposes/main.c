#include <stdio.h>

int answer(void);
int answer_of_library(void);
int (*answer_pointer(void))(void);
extern int setting;
int setting_of_library(void);

int main(void) {
  printf("main calls %d, library calls %d, pointer calls %d\n", answer(), answer_of_library(), answer_pointer()());
  printf("main sees %d, library sees %d\n", setting, setting_of_library());
  return 0;
}
