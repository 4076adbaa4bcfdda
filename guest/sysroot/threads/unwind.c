// Part of libsetjmp. Lets libc leave a thread's frames with destructors and all: it calls the thread's function through
// the one and ends the thread through the other. libc does without when libsetjmp is not there.
#include <setjmp.h>

void __wasilibc_unwind_call(void* environment, void (*function)(void*), void* argument) {
  if (setjmp(*(jmp_buf*)environment) == 0) {
    function(argument);
  }
}

void __wasilibc_unwind_throw(void* environment) {
  longjmp(*(jmp_buf*)environment, 1);
}
