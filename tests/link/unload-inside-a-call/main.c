#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int caller(void (*)(void));

static void* handle;
static const char* name;

static int is_loaded(void) {
  void* const found = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  if (found != NULL) {
    dlclose(found);
  }
  return found != NULL;
}

static size_t pages(void) {
  return __builtin_wasm_memory_size(0);
}

static void close_it(void) {
  const int result = dlclose(handle);
  // What is opened now gets neither its memory nor its slots.
  void* const other = dlopen("libother.so", RTLD_NOW);
  memset(dlsym(other, "other"), 6, 1000000);
  if (result != 0 || is_loaded()) {
    puts("it is still there");
  }
  dlclose(other);
}

// Opens and closes it from inside, again and again.
static void open_again(void) {
  dlclose(handle);
  for (int i = 0; i < 20; ++i) {
    void* const again = dlopen(name, RTLD_NOW);
    if (again == NULL || again == handle) {
      puts("it was not opened anew");
    }
    dlclose(again);
  }
}

static void exit_inside(void) {
  dlclose(handle);
  exit(9);
}

static int once(const char* function, void (*inside)(void)) {
  handle = dlopen(name, RTLD_NOW);
  if (strcmp(function, "nest") == 0) {
    return ((int (*)(int, void (*)(void)))dlsym(handle, function))(100, inside);
  }
  return ((caller*)dlsym(handle, function))(inside);
}

// Arguments: the library, its function, what is done inside.
int main(int count, char** arguments) {
  name = arguments[1];
  void (*const inside)(void) = arguments[3][0] == 'c' ? close_it : arguments[3][0] == 'o' ? open_again : exit_inside;
  const int first = once(arguments[2], inside);
  printf("%d\n", first);
  once(arguments[2], inside);
  const size_t before = pages();
  int wrong = 0;
  for (int i = 0; i < 50; ++i) {
    wrong += once(arguments[2], inside) != first;
  }
  printf("%d wrong, %d more pages\n", wrong, (int)(pages() - before));
  return 0;
}
