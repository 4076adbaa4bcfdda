#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <stdexcept>

void fail();

static void must_not_throw() noexcept {
  fail();
}

struct ThrowsAtEnd {
  ~ThrowsAtEnd() noexcept(false) { throw 2; }
};

int main(int, char** arguments) {
  const auto asked = [&](const char* what) { return std::strcmp(arguments[1], what) == 0; };
  if (asked("uncaught")) {
    fail();
  }
  if (asked("other-type")) {
    try {
      fail();
    } catch (const std::logic_error&) {
      std::cout << "never\n";
    }
  }
  if (asked("noexcept")) {
    must_not_throw();
  }
  if (asked("handler") || asked("handler-uncaught")) {
    std::set_terminate([] {
      std::cout << "my handler" << std::endl;
      std::exit(7);
    });
    if (asked("handler")) {
      must_not_throw();
    }
    fail();
  }
  if (asked("twice")) {
    try {
      ThrowsAtEnd thrower;
      throw 1;
    } catch (...) {
      std::cout << "never\n";
    }
  }
  if (asked("nothing-to-rethrow")) {
    throw;
  }
  if (asked("terminate-while-handled")) {
    try {
      fail();
    } catch (...) {
      std::terminate();
    }
  }
}
