// What Lua expects of C and WASI does not have: there are no processes, and no temporary files. The native Lua has the
// same.
#include <errno.h>
#include <stdio.h>

int system(const char* command) {
  if (command == NULL) {
    return 0;  // there is no command processor
  }
  errno = ENOSYS;
  return -1;
}

char* tmpnam(char* name) {
  (void)name;
  return NULL;
}

FILE* tmpfile(void) {
  errno = ENOSYS;
  return NULL;
}
