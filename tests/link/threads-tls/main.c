#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "with-threads.h"

enum { threads = 6 };

int next(void);
int* address(void);
int is_aligned(void);
int keeps_address(void);

_Thread_local int number_of_main = 11;
static _Thread_local char page[4096] __attribute__((aligned(4096))) = "page";
static pthread_barrier_t barrier;
static void* opened;
static int* addresses[threads + 1];

static void* find(void* in, const char* name) {
  void* const found = dlsym(in, name);
  CHECK(found != NULL);
  return found;
}

// What a thread finds in the first place, and that nobody else changes it.
static void look(int self) {
  CHECK(number_of_main == 11);
  CHECK(strcmp(page, "page") == 0 && (uintptr_t)page % 4096 == 0);
  CHECK(next() == 5 && next() == 7);
  CHECK(is_aligned() && keeps_address());
  number_of_main = self;
  memset(page, self, sizeof page);
  *address() = 100 * self;
  addresses[self] = address();
}

static void look_again(int self) {
  CHECK(number_of_main == self && page[0] == self && page[4095] == self);
  CHECK(*address() == 100 * self && address() == addresses[self] && keeps_address());
  for (int i = 0; i < threads; ++i) {
    CHECK(i == self || addresses[i] != addresses[self]);
  }
  // dlsym gives the caller's.
  CHECK(find(RTLD_DEFAULT, "number") == addresses[self]);
  CHECK(find(RTLD_DEFAULT, "number_of_main") == &number_of_main);
}

// Of a library that was not there when the thread began.
static void look_into_opened(int self) {
  if (self == 3) {
    CHECK((opened = dlopen("liblater.so", RTLD_NOW)) != NULL);
    CHECK(dlopen("libpage.so", RTLD_NOW) != NULL);
  }
  pthread_barrier_wait(&barrier);
  int* const number = find(opened, "number");
  CHECK(*number == 5 && number != addresses[self]);
  CHECK(strcmp(find(opened, "text"), "library") == 0);
  *number = self;
  int (*const its_next)(void) = (int (*)(void))find(opened, "next");
  CHECK(its_next() == self && its_next() == self + 2);
  CHECK(((int* (*)(void))find(opened, "address"))() == number);
  CHECK(((int (*)(void))find(opened, "is_aligned"))());
  int (*const page_is_right)(void) = (int (*)(void))find(dlopen("libpage.so", RTLD_NOW | RTLD_NOLOAD), "page_is_right");
  CHECK(page_is_right() && page_is_right());
  pthread_barrier_wait(&barrier);
  CHECK(*number == self + 2);
}

static void* run(void* argument) {
  const int self = (int)(intptr_t)argument;
  look(self);
  pthread_barrier_wait(&barrier);
  look_again(self);
  look_into_opened(self);
  look_again(self);
  return NULL;
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, threads);
  in_threads(threads, run);
  // Main comes last.
  look(threads);
  puts("right in all");
  CHECK(*(int*)find(opened, "number") == 5);
  CHECK(((int (*)(void))find(opened, "next"))() == 5);
  puts("right in main");
  in_threads(threads, run);
  puts("right in further ones");
  return 0;
}
