#include <stdio.h>

#include "errors.h"

void pass_on(Thrower thrower, int value) {
  Trace outer("pass_on, outer");
  try {
    Trace inner("pass_on, inner");
    thrower(value);
  } catch (const std::logic_error&) {
    puts("  never: it is no logic error");
  }
}

void replace(Thrower thrower, int value) {
  try {
    thrower(value);
  } catch (const ParseError& error) {
    std::throw_with_nested(std::out_of_range("replaced"));
  }
}

void rethrow(Thrower thrower, int value) {
  try {
    thrower(value);
  } catch (...) {
    puts("  once more");
    throw;
  }
}

std::exception_ptr keep(Thrower thrower, int value) {
  try {
    thrower(value);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

int uncaught_while_unwinding(Thrower thrower, int value) {
  static int count;
  struct Count {
    ~Count() { count = std::uncaught_exceptions(); }
  };
  try {
    Count counter;
    thrower(value);
  } catch (...) {
  }
  return count * 10 + std::uncaught_exceptions();
}
