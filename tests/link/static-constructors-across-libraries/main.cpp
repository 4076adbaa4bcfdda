#include <cstdlib>
#include <iostream>
#include <utility>

#include "log.h"

static Named object("main");
static Registered registered("main");

int main(int count, char** arguments) {
  std::cout << "main begins\n";
  const char* separator = "";
  for (const std::string& line : journal()) {
    std::cout << std::exchange(separator, " ") << line;
  }
  std::cout << '\n';
  on_first_use();
  on_first_use();
  std::atexit([] { std::cout << "at exit\n"; });
  std::cout << "main ends\n";
  Named automatic("automatic");
  if (count > 1) {
    std::cout << std::flush;
    std::string(arguments[1]) == "at-once" ? std::_Exit(4) : std::exit(3);
  }
}
