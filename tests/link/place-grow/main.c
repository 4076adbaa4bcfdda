#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { page = 65536 };

static size_t pages(void) {
  return __builtin_wasm_memory_size(0);
}

static void* handles[40];

static char* open_one(int number, const char* name) {
  handles[number] = dlopen(name, RTLD_NOW);
  if (handles[number] == NULL) {
    printf("%s\n", dlerror());
    exit(1);
  }
  return dlsym(handles[number], "data");
}

int main(int count, char** arguments) {
  free(malloc(1));
  const size_t first = pages();
  char* const end = (char*)(first * page);
  if (count > 1) {
    printf("%s\n", open_one(0, arguments[1]) >= end ? "behind the end" : "elsewhere");
    return 0;
  }
  // 30 libraries of 2,000 bytes take one page.
  char name[20];
  char* data[40];
  int right = 0;
  for (int i = 0; i < 30; ++i) {
    sprintf(name, "libsmall%d.so", i);
    data[i] = open_one(i, name);
    right += data[i] >= end && data[i] < end + page;
  }
  printf("%d in the page behind the end, %d more pages\n", right, (int)(pages() - first));
  // One that is larger than what is left begins in that and goes on in a new one.
  char* const large = open_one(30, "liblarge.so");
  printf("%d, %d more pages\n", large == data[29] + (data[29] - data[28]), (int)(pages() - first));
  memset(large, 1, 60000);
  // When the guest has grown memory itself, only whole new pages can be had.
  char* const own = (char*)(__builtin_wasm_memory_grow(0, 1) * page);
  memset(own, 7, page);
  char* const second = open_one(31, "liblarge2.so");
  printf("%d, %d more pages\n", second == own + page, (int)(pages() - first));
  // What was closed is given out again before memory grows.
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 30; ++i) {
      dlclose(handles[i]);
    }
    for (int i = 0; i < 30; ++i) {
      sprintf(name, "libsmall%d.so", 29 - i);
      memset(open_one(i, name), 5, 2000);
    }
  }
  int whole = 0;
  for (int i = 0; i < page; ++i) {
    whole += own[i] == 7;
  }
  for (int i = 0; i < 60000; ++i) {
    whole += large[i] == 1;
  }
  printf("%d, %d more pages\n", whole == page + 60000, (int)(pages() - first));
  // The program's allocator copes with memory that others have grown.
  char* const block = malloc(500000);
  memset(block, 9, 500000);
  for (int i = 0; i < page; ++i) {
    whole += own[i] == 7;
  }
  printf("%d, %d\n", whole == 2 * page + 60000, large[0] + large[59999] + second[0]);
  return 0;
}
