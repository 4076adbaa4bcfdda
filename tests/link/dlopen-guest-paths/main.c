#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void* try(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  // What cannot be read cannot be opened as a library, and the other way around.
  const int file = open(name, O_RDONLY);
  if ((file >= 0) != (handle != NULL)) {
    printf("open is of another opinion: %d\n", file);
  }
  close(file);
  if (handle == NULL) {
    const char* const error = dlerror();
    printf("%s: no, named %d\n", name, strstr(error, name[0] == '.' ? strrchr(name, '/') : name) != NULL);
    return NULL;
  }
  int (*const one)(void) = (int (*)(void))dlsym(handle, "one");
  printf("%s: %d\n", name, one == NULL ? -1 : one());
  return handle;
}

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (strncmp(arguments[i], "cd:", 3) == 0) {
      printf("cd %d\n", chdir(arguments[i] + 3));
      continue;
    }
    void* const handle = try(arguments[i]);
    // However it is called, it is one library.
    if (handle != NULL) {
      static void* first;
      if (first != NULL && first != handle) {
        puts("another library");
      }
      first = handle;
    }
  }
  return 0;
}
