#include <stdio.h>

#include "errors.h"

ParseError::ParseError(const std::string& what, int line) : std::runtime_error(what), line_(line) {}
ParseError::~ParseError() = default;

Trace::~Trace() {
  printf("  leaving %s\n", name);
}

void throw_error(int line) {
  Trace trace("throw_error");
  throw ParseError("line " + std::to_string(line), line);
}

void throw_inline(int value) {
  throw Inline{value};
}

void throw_number(int value) {
  throw value;
}

void throw_pointer(const char* text) {
  throw text;
}
