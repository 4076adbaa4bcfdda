#include <stdio.h>
#include <stdlib.h>

const char* lookup(const char* name);
extern char** environ;

__attribute__((constructor)) static void construct(void) {
  printf("constructor: %s\n", getenv("NAME") ? getenv("NAME") : "unset");
}

int main(int count, char** arguments) {
  printf("%d:", count);
  for (int i = 1; i < count; ++i) {
    printf(" [%s]", arguments[i]);
  }
  printf("%s\n", arguments[count] == 0 ? "" : " no end");
  printf("%s %s\n", lookup("NAME") ? lookup("NAME") : "unset", lookup("PATH") ? "PATH leaked" : "no PATH");
  int variables = 0;
  for (char** variable = environ; *variable != 0; ++variable) {
    ++variables;
  }
  printf("%d variables\n", variables);
  setenv("NEW", "value", 1);
  printf("%s\n", lookup("NEW"));
  return 0;
}
