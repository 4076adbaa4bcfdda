#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void leave(int code);

int main(int count, char** arguments) {
  const int code = atoi(arguments[2]);
  printf("%s", arguments[1]);  // without a newline: exit writes it out, _Exit does not
  if (strcmp(arguments[1], "return") == 0) {
    return code;
  } else if (strcmp(arguments[1], "exit") == 0) {
    exit(code);
  } else if (strcmp(arguments[1], "library") == 0) {
    leave(code);
  } else if (strcmp(arguments[1], "_Exit") == 0) {
    _Exit(code);
  }
  fflush(stdout);
  abort();
}
