// Part of libc++abi with threads. Ends a C++ program as the language says when nothing in a thread catches an exception: by
// std::terminate, as cxx-main.cpp does for main. libc calls a thread's function through this when it is there. The catch
// clause is for exceptions of C++ only: pthread_exit and longjmp pass.

#include <exception>

extern "C" void __wasilibc_call_noexcept(void (*function)(void*), void* argument) {
  try {
    function(argument);
  } catch (...) {
    std::terminate();
  }
}
