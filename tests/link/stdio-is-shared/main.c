#include <stdio.h>

void say(const char* text);
int read_line(char* line, int size);
FILE* stdout_of_library(void);

int main(void) {
  char line[50];
  printf("one ");
  say("two ");
  printf("three\n");
  fputs("to stderr by main, ", stderr);
  fprintf(stderr, "%s\n", stdout == stdout_of_library() ? "one stdout" : "two");
  while (fgets(line, sizeof line, stdin)) {
    printf("main: %s", line);
    if (read_line(line, sizeof line)) {
      printf("library: %s", line);
    }
  }
  printf("%s\n", feof(stdin) ? "end" : "error");
  return 0;
}
