#include <stdio.h>
#include <string.h>

#include "errors.h"

static void throw_from_main(int value) {
  throw Inline{value};
}

int main() {
  puts("by its own class");
  try {
    pass_on(throw_error, 1);
  } catch (const ParseError& error) {
    printf("  %s, %d\n", error.what(), error.line());
  }

  puts("by its base class, from the C++ library");
  try {
    pass_on(throw_error, 2);
  } catch (const ParseError* never) {
    puts("  never: it is no pointer");
  } catch (const std::exception& error) {
    printf("  %s\n", error.what());
  }

  puts("by value, of a class that every module defines");
  try {
    throw_inline(3);
  } catch (Inline caught) {
    printf("  %d\n", caught.value);
  }

  puts("thrown in main, through a library");
  try {
    pass_on(throw_from_main, 4);
  } catch (const Inline& caught) {
    printf("  %d\n", caught.value);
  }

  puts("built-in types");
  try {
    throw_number(5);
  } catch (unsigned) {
    puts("  never: it is signed");
  } catch (int number) {
    printf("  %d\n", number);
  }
  try {
    throw_pointer("text");
  } catch (const void* pointer) {
    printf("  %s\n", static_cast<const char*>(pointer));
  }

  puts("thrown again");
  try {
    rethrow(throw_error, 6);
  } catch (const ParseError& error) {
    printf("  %d\n", error.line());
  }

  puts("replaced by another, which holds it");
  try {
    replace(throw_error, 7);
  } catch (const std::logic_error& error) {
    printf("  %s\n", error.what());
    try {
      std::rethrow_if_nested(error);
    } catch (const ParseError& nested) {
      printf("  %s\n", nested.what());
    }
  }

  puts("kept, and thrown twice");
  std::exception_ptr kept = keep(throw_error, 8);
  std::exception_ptr same = kept;
  for (int i = 0; i < 2; ++i) {
    try {
      std::rethrow_exception(i == 0 ? kept : same);
    } catch (const ParseError& error) {
      printf("  %d\n", error.line());
    }
  }

  puts("thrown while another is handled");
  try {
    throw_number(9);
  } catch (int outer) {
    try {
      throw_error(10);
    } catch (const std::runtime_error& inner) {
      printf("  %s\n", inner.what());
    }
    printf("  %d\n", outer);
  }

  printf("exceptions on their way: %02d\n", uncaught_while_unwinding(throw_number, 11));

  int sum = 0;
  for (int i = 0; i < 10000; ++i) {
    try {
      throw_number(i);
    } catch (int number) {
      sum += number;
    }
  }
  printf("ten thousand: %d\n", sum);
}
