#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int loud(void);
int silent(void);
int broken(void);
int leaving(void);

int main(int count, char** arguments) {
  const char* const what = count > 1 ? arguments[1] : "";
  puts("main starts");
  printf("loud %d\n", loud());
  printf("again %d\n", loud());
  if (strcmp(what, "broken") == 0) {
    printf("broken %d\n", broken());
  }
  if (strcmp(what, "leaving") == 0) {
    printf("leaving %d\n", leaving());
  }
  if (strcmp(what, "open") == 0) {  // needs what is put off
    void* const handle = dlopen("libopened.so", RTLD_NOW);
    puts("open");
    int (*const opened)(void) = (int (*)(void))dlsym(handle, "opened");
    printf("opened %d\n", opened());
  }
  if (strcmp(what, "reopen") == 0) {  // opening what is put off constructs it
    void* const handle = dlopen("libsilent.so", RTLD_NOW);
    puts(handle == NULL ? dlerror() : "open");
  }
  puts("main ends");
  fflush(stdout);
  return 0;
}
