// What guest programs of the tests share that have threads.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// Ends the program with 1, and says why, when `condition` does not hold. For all threads.
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

static inline _Noreturn void check_failed(const char* file, int line, const char* condition) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
  _Exit(1);
}

enum { most_threads = 64 };

// Runs `function` in `count` new threads, with 0, 1, 2... as argument, and waits for all. The sum of what they return.
static inline intptr_t in_threads(int count, void* (*function)(void*)) {
  pthread_t threads[most_threads];
  intptr_t sum = 0;
  for (int i = 0; i < count; ++i) {
    CHECK(pthread_create(&threads[i], NULL, function, (void*)(intptr_t)i) == 0);
  }
  for (int i = 0; i < count; ++i) {
    void* result;
    CHECK(pthread_join(threads[i], &result) == 0);
    sum += (intptr_t)result;
  }
  return sum;
}

static inline size_t memory_pages(void) {
  return __builtin_wasm_memory_size(0);
}

// Waits until `*word` is not `value` any more, asleep.
static inline int32_t wait_while(_Atomic int32_t* word, int32_t value) {
  int32_t now;
  while ((now = atomic_load(word)) == value) {
    __builtin_wasm_memory_atomic_wait32((int*)word, value, -1);
  }
  return now;
}

static inline void set_and_wake(_Atomic int32_t* word, int32_t value) {
  atomic_store(word, value);
  __builtin_wasm_memory_atomic_notify((int*)word, -1);
}
