#include <iostream>
#include <stdexcept>

#include "library.h"

int main() {
  for (const std::string& word : split("one two  three")) {
    std::cout << word << '\n';
  }
  try {
    fail("it failed");
  } catch (const std::logic_error&) {
    std::cout << "never\n";
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
}
