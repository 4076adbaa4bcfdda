#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

// Large enough for nobody to have the memory by chance.
static char data[8][20000] = {{1}};
static _Thread_local int own = 9;

static void fill(int number) {
  for (int i = 0; i < 20000; ++i) {
    data[number][i] = (char)(number + i);
  }
  own = number;
}

static int count(int number) {
  int right = own == number;
  for (int i = 0; i < 20000; ++i) {
    right += data[number][i] == (char)(number + i);
  }
  return right;
}

static int wait_asleep(_Atomic int32_t* word) {
  while (atomic_load(word) == 0) {
    __builtin_wasm_memory_atomic_wait32((int*)word, 0, -1);
  }
  return 0;
}

static int wait_in_loop(_Atomic int32_t* word) {
  while (atomic_load(word) == 0) {
  }
  return 0;
}

static int wait_with_naps(_Atomic int32_t* word) {
  while (atomic_load(word) == 0) {
    nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
  }
  return 0;
}

static int wait_deep_inside(_Atomic int32_t* word, int depth) {
  return depth == 0 ? wait_asleep(word) : wait_deep_inside(word, depth - 1) + 1;
}

typedef void callback(_Atomic int32_t* word);

// Comes back when `word` is not 0 any more: the library may have been closed by then. 20,001 when all is in place.
int stay(int number, int way, _Atomic int32_t* inside, _Atomic int32_t* word, callback* function) {
  fill(number);
  atomic_fetch_add(inside, 1);
  __builtin_wasm_memory_atomic_notify((int*)inside, -1);
  int extra = 0;
  switch (way) {
    case 0:
      wait_asleep(word);
      break;
    case 1:
      wait_in_loop(word);
      break;
    case 2:
      wait_with_naps(word);
      break;
    case 3:
      extra = wait_deep_inside(word, 50) - 50;
      break;
    default:
      function(word);
      break;
  }
  return count(number) + extra;
}
