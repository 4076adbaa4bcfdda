// Tells what WASI gave it, and ends as it is told.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    printf("argument %s\n", argv[i]);
  }
  const char* variable = getenv("CAPI_VARIABLE");
  printf("variable %s\n", variable == NULL ? "absent" : variable);
  char text[64] = "";
  FILE* file = fopen("/files/input.txt", "r");
  if (file != NULL) {
    (void)!fgets(text, sizeof(text), file);
    fclose(file);
  }
  printf("file %s\n", text);
  fflush(stdout);
  if (argc > 1 && strcmp(argv[1], "exit") == 0) {
    exit(atoi(argv[2]));
  }
  if (argc > 1 && strcmp(argv[1], "abort") == 0) {
    abort();
  }
  return 0;
}
