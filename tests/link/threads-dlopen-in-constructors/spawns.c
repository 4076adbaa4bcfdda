#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

static _Thread_local int own = 3;
static int from_thread;

static int add(int argument) {
  return argument + own;
}

static void* run(void* pointer) {
  own = 4;
  void* const handle = dlopen("libsimple.so", RTLD_NOW);
  from_thread = ((int (*)(int))pointer)(10) + ((int (*)(void))dlsym(handle, "simple"))();
  return (void*)(intptr_t)(dlclose(handle) + 1);
}

// Runs code of the library in another thread before the library is constructed.
__attribute__((constructor)) static void construct(void) {
  pthread_t thread;
  void* result = NULL;
  pthread_create(&thread, NULL, run, (void*)add);
  pthread_join(thread, &result);
  from_thread += 100 * (int)(intptr_t)result + 1000 * own;
}

int get(void) {
  return from_thread;
}
