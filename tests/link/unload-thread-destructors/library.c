#include <stdio.h>
#include <stdlib.h>

extern char __dso_handle;
int __cxa_thread_atexit(void (*function)(void*), void* argument, void* library);

static int data = 5;

static void at_end_of_thread(void* argument) {
  printf("thread: %s %d\n", (const char*)argument, data);
}

static void at_exit(void) {
  puts("atexit");
}

__attribute__((destructor)) static void destruct(void) {
  puts("destructor");
}

void start(void) {
  __cxa_thread_atexit(at_end_of_thread, "first", &__dso_handle);
  atexit(at_exit);
  __cxa_thread_atexit(at_end_of_thread, "second", &__dso_handle);
}

int get(void) {
  return data;
}
