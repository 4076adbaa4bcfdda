#include "library.h"

#include <iostream>
#include <sstream>
#include <stdexcept>

namespace {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Guard {
  ~Guard() { std::cout << "destroyed\n"; }
};

}  // namespace

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

void fail(const std::string& text) {
  Guard guard;
  throw Failure(text);
}
