#include <stdio.h>
#include <string.h>

typedef int function(int);

function in_main, in_first, in_second;
function** pointers_of_first(void);
function** pointers_of_second(void);
void* strlen_of_first(void);

int in_main(int number) {
  return number + 1;
}

#ifndef FIXED
function* in_data[] = {in_main, in_first, in_second};
#endif

int main(void) {
  // One by one: an initialiser would be a copy of data.
  function* in_code[3];
  in_code[0] = in_main;
  in_code[1] = in_first;
  in_code[2] = in_second;
#ifdef FIXED
  function** in_data = in_code;  // wasm-ld cannot relocate such data of a program at fixed addresses
#endif
  function** of_first = pointers_of_first();
  function** of_second = pointers_of_second();
  for (int i = 0; i < 3; ++i) {
    int equal = in_code[i] == in_data[i] && in_code[i] == of_first[i] && in_code[i] == of_second[i];
    printf("%s, result %d\n", equal ? "equal" : "DIFFERENT", of_second[i](i));
  }
  printf("strlen %s\n", (void*)strlen == strlen_of_first() ? "equal" : "DIFFERENT");
  int distinct = in_code[0] != in_code[1] && in_code[1] != in_code[2] && in_code[0] != in_code[2];
  puts(distinct ? "distinct" : "THE SAME");
  return 0;
}
