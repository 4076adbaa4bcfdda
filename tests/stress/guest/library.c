// One of the libraries: NUMBER says which. With BASE it needs libbase.so, with NEXT the library of that number; with
// OPENS its constructor opens and closes that one.
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define NAMED(name) NAMED_(name, NUMBER)
#define NAMED_(name, number) NAMED__(name, number)
#define NAMED__(name, number) name##number

enum { size = 500 + NUMBER * 97, magic = 0x5eed0000 + NUMBER, alignment = NUMBER % 5 == 0 ? 256 : 4 };

static uint32_t words[size] = {magic, magic};
static uint32_t zeros[size];
_Thread_local int own __attribute__((aligned(alignment))) = NUMBER;
static _Thread_local intptr_t owner;
static _Thread_local uint32_t own_words[NUMBER % 4 == 0 ? 3000 : 10] = {magic};
static _Atomic int constructions;
static void* kept;

static int add(int argument) {
  return argument * 3 + NUMBER;
}

static int (*own_pointer)(int) = add;
int (*pointer)(int) = add;  // for dlsym: here it may be that of another library

#ifdef BASE
int base(int argument);
#endif
#ifdef NEXT
#define NEXTS_(name, number) NAMED__(name, number)
int NEXTS_(get, NEXT)(void);
#endif

__attribute__((constructor)) static void construct(void) {
  for (int i = 2; i < size; ++i) {
    words[i] = magic + i;
  }
  ++constructions;
  kept = malloc(50);
#ifdef OPENS
  void* const handle = dlopen(OPENS, RTLD_NOW);
  if (handle == NULL || dlclose(handle) != 0) {
    abort();
  }
#endif
}

__attribute__((destructor)) static void destruct(void) {
  if (--constructions != 0 || words[size - 1] != magic + size - 1) {
    abort();
  }
  free(kept);
}

int NAMED(get)(void) {
  return NUMBER;
}

// Also after the library was closed, for who is inside.
static int check_data(intptr_t thread) {
  if (owner == 0) {
    if (own != NUMBER || own_words[0] != magic || own_words[9] != 0 || (uintptr_t)&own % alignment != 0) {
      return __LINE__;
    }
    owner = thread;
    own_words[9] = (uint32_t)thread;
  }
  if (owner != thread || own_words[9] != (uint32_t)thread) {
    return __LINE__;
  }
  if (words[0] != magic || words[1] != magic || zeros[size - 1] != 0) {
    return __LINE__;
  }
  for (int i = 2; i < size; i += 37) {
    if (words[i] != magic + (uint32_t)i) {
      return __LINE__;
    }
  }
  if (own_pointer != add || own_pointer(5) != 15 + NUMBER) {
    return __LINE__;
  }
#ifdef BASE
  if (base(NUMBER) != 1000 + NUMBER) {
    return __LINE__;
  }
#endif
#ifdef NEXT
  if (NEXTS_(get, NEXT)() != NEXT) {
    return __LINE__;
  }
#endif
  return 0;
}

// Whether all of the library is as it should be for the thread that is called `thread`; 0 or the line that it is not
// at.
int check(intptr_t thread) {
  return constructions != 1 ? __LINE__ : check_data(thread);
}

// Calls back, in which time this library may be closed; then the same is checked again.
int stay(intptr_t thread, void (*function)(void*), void* argument) {
  const int before = check(thread);
  own_words[1] = (uint32_t)thread;
  function(argument);
  if (own_words[1] != (uint32_t)thread) {
    return __LINE__;
  }
  return before != 0 ? before : check_data(thread);
}
