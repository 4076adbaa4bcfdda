#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct Word {
  std::string text;
  int count = 0;
};

// libwords.so
std::map<std::string, int> count_words(std::istream& in);
std::vector<Word> sorted(const std::map<std::string, int>& words, std::function<bool(const Word&, const Word&)> before);
std::ostream& operator<<(std::ostream& out, const Word& word);
std::shared_ptr<std::string> join(const std::vector<Word>& words);
