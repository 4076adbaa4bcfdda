#include "words.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <sstream>

std::map<std::string, int> count_words(std::istream& in) {
  std::map<std::string, int> words;
  for (std::string word; in >> word;) {
    ++words[word];
  }
  return words;
}

std::vector<Word> sorted(const std::map<std::string, int>& words,
                         std::function<bool(const Word&, const Word&)> before) {
  std::vector<Word> list;
  for (const auto& [text, count] : words) {
    list.push_back({text, count});
  }
  std::stable_sort(list.begin(), list.end(), before);
  return list;
}

std::ostream& operator<<(std::ostream& out, const Word& word) {
  return out << std::left << std::setw(8) << std::setfill('.') << word.text << std::right << std::setw(3) << word.count;
}

std::shared_ptr<std::string> join(const std::vector<Word>& words) {
  std::ostringstream text;
  for (const Word& word : words) {
    text << (text.tellp() == 0 ? "" : ", ") << word.text;
  }
  std::cout << "[joined]";  // main's stream: no line end, so that what main writes next follows
  return std::make_shared<std::string>(text.str());
}
