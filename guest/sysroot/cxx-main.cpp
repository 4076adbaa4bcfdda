// Ends a C++ program as the language says when nothing catches an exception: by std::terminate. Elsewhere the unwinder
// finds out before it unwinds; WebAssembly has no such search, and what leaves _start would be the runtime's to report,
// which knows neither type nor message, nor the program's own terminate handler.
//
// tenon-c++ links programs with --wrap=__main_void, by which the start file calls this function in place of libc's.

#include <exception>

extern "C" int __real___main_void();

extern "C" int __wrap___main_void() {
  try {
    return __real___main_void();
  } catch (...) {
    std::terminate();
  }
}
