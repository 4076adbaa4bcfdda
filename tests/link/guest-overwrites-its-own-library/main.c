#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int early(void);
int late(int number);

// The directory of the library is open to the program, which writes over it before its code is needed.
int main(int count, char** arguments) {
  static char garbage[100000];
  memset(garbage, arguments[1][0] == 'z' ? 0 : 0xff, sizeof garbage);
  printf("%d\n", early());
  const int truncates = strcmp(arguments[1], "truncate") == 0;
  const int file = open("/here/liblibrary.so", O_WRONLY | (truncates ? O_TRUNC : 0));
  if (file < 0) {
    perror("open");
    return 1;
  }
  if (!truncates) {
    printf("%d bytes\n", (int)write(file, garbage, sizeof garbage));
  }
  fsync(file);
  fflush(stdout);
  printf("%d\n", late(5));
  return 0;
}
