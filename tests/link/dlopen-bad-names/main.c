#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int printable(const char* text) {
  for (; *text != 0; ++text) {
    if ((unsigned char)*text < 0x20 || *text == 0x7f) {
      return 0;
    }
  }
  return 1;
}

static void check(const char* what, const char* name) {
  printf("%s: open %d", what, dlopen(name, RTLD_NOW) == NULL);
  const char* error = dlerror();
  printf(" %d%d", error != NULL && strlen(error) > 10, error != NULL && strlen(error) < 5000 && printable(error));
  printf(" sym %d", dlsym(dlopen(NULL, RTLD_NOW), name) == NULL);
  error = dlerror();
  printf(" %d%d\n", error != NULL && strlen(error) > 10, error != NULL && strlen(error) < 5000 && printable(error));
}

int main(int count, char** arguments) {
  if (count > 1) {
    // Memory ends at `end`.
    char* const end = (char*)(__builtin_wasm_memory_size(0) * 65536);
    memset(end - 100, 'a', 100);
    puts("now");
    fflush(stdout);
    switch (arguments[1][0]) {
      case 'n':
        dlopen((const char*)0xfffffff0, RTLD_NOW);
        break;
      case 'u':
        dlopen(end - 100, RTLD_NOW);
        break;
      case 's':
        dlsym(RTLD_DEFAULT, (const char*)0xfffffff0);
        break;
      case 't':
        dlsym(RTLD_DEFAULT, end - 100);
        break;
    }
    puts("never");
    return 0;
  }
  char* const longest = malloc((1 << 20) + 1);
  memset(longest, 'a', 1 << 20);
  longest[1 << 20] = 0;
  check("a megabyte", longest);
  longest[1 << 19] = '/';
  check("a megabyte with a slash", longest);
  check("not UTF-8", "lib\xff\xfe\x80.so");
  check("control characters", "lib\x1b[31m\n\r.so");
  check("a space", " ");
  check("dots", "..");
  check("a dot", ".");
  check("a slash", "/");
  check("slashes", "////");
  check("up", "../../../../../../../../../../../../etc/passwd");
  check("a lone percent", "%s%n%p");
  // glibc takes this for the main program.
  printf("empty: %d\n", dlopen("", RTLD_NOW) == dlopen(NULL, RTLD_NOW));
  printf("empty: %d\n", dlsym(RTLD_DEFAULT, "") == NULL);
  // Lazily and locally, as if that had been said.
  printf("no flags: %d\n", dlopen("libc.so", 0) != NULL);
  return 0;
}
