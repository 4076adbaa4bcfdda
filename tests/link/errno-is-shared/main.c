#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int* errno_of_library(void);
int fail(void);

int main(void) {
  errno = 0;
  printf("%s\n", &errno == errno_of_library() ? "one errno" : "two");
  const int result = fail();
  printf("%d %s\n", result, strerror(errno));
  close(-1);
  printf("%s\n", *errno_of_library() == EBADF ? "EBADF" : "another");
  perror("perror");
  return 0;
}
