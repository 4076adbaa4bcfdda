#pragma once

#include <exception>
#include <stdexcept>
#include <string>

// Its virtual functions, and with them its type information, are in libthrow.so.
class ParseError : public std::runtime_error {
 public:
  ParseError(const std::string& what, int line);
  ~ParseError() override;
  int line() const { return line_; }

 private:
  int line_;
};

// Everything of this one is inline, so each module that uses it has type information of its own.
struct Inline {
  int value;
};

struct Trace {
  explicit Trace(const char* name) : name(name) {}
  ~Trace();
  const char* name;
};

// libthrow.so
void throw_error(int line);
void throw_inline(int value);
void throw_number(int value);
void throw_pointer(const char* text);

// libpass.so: calls libthrow.so
using Thrower = void (*)(int);
void pass_on(Thrower thrower, int value);
void replace(Thrower thrower, int value);
void rethrow(Thrower thrower, int value);
std::exception_ptr keep(Thrower thrower, int value);
int uncaught_while_unwinding(Thrower thrower, int value);
