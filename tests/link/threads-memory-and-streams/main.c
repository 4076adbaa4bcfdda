#include <string.h>

#include "with-threads.h"

enum { threads = 8, lines = 200 };

size_t pages_in_library(void);
int last_byte(unsigned char* block, size_t size);

static pthread_barrier_t barrier;
static unsigned char* block;
static size_t size = 3000000;

// One grows the memory in each round, all others see it at once, in main and in the library.
static void* grow_in_turns(void* number) {
  pages_in_library();
  for (int round = 0; round < threads * 2; ++round) {
    pthread_barrier_wait(&barrier);
    if (round % threads == (intptr_t)number) {
      const size_t before = memory_pages();
      block = malloc(size);
      CHECK(block != NULL);
      block[size - 1] = (unsigned char)(round + 1);
      CHECK(memory_pages() > before);
    }
    pthread_barrier_wait(&barrier);
    CHECK(memory_pages() == pages_in_library());
    CHECK(block[size - 1] == round + 1 && last_byte(block, size) == round + 1);
  }
  return NULL;
}

// Each grows at any time.
static void* grow_at_once(void* number) {
  for (int i = 0; i < 20; ++i) {
    unsigned char* const own = malloc(200000);
    CHECK(own != NULL);
    memset(own, (int)(intptr_t)number, 200000);
    CHECK(last_byte(own, 200000) == (intptr_t)number && own[100000] == (intptr_t)number);
    if (i % 2) {
      free(own);
    }
  }
  return NULL;
}

static void* print(void* number) {
  for (int i = 0; i < lines; ++i) {
    printf("%d says %d and %s\n", (int)(intptr_t)number, i, "the same words in each line");
  }
  return NULL;
}

int main(int count, char** arguments) {
  if (strcmp(arguments[1], "print") == 0) {
    in_threads(threads, print);
    return 0;
  }
  pthread_barrier_init(&barrier, NULL, threads);
  in_threads(threads, grow_in_turns);
  in_threads(threads, grow_at_once);
  puts("grown");
  return 0;
}
