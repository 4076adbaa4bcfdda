#include <stdio.h>

#include <deque>
#include <fstream>
#include <iostream>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "words.h"

int main(int, char** arguments) {
  const auto words = count_words(std::cin);
  std::cout << words.size() << " words, end of input: " << std::cin.eof() << '\n';
  const auto list = sorted(words, [](const Word& a, const Word& b) { return a.count > b.count; });
  for (const Word& word : list) {
    std::cout << word << '\n';
  }
  std::cout << ' ' << *join(list) << std::endl;

  std::cout << std::hex << std::showbase << 48879 << ' ' << std::dec << std::scientific << 1234.5 << ' '
            << std::boolalpha << true << '\n';
  printf("stdio and ");
  std::cout << "iostreams share standard output\n";
  int a = 0;
  double b = 0;
  std::string c;
  std::istringstream("17 -2.5e3 rest") >> a >> b >> c;
  std::cout << std::defaultfloat << a << ' ' << b << ' ' << c << '\n';

  const std::string path = std::string(arguments[1]) + "/file";
  std::ofstream(path) << "first\nsecond\n" << 3 << '\n';
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::cout << '<' << line << '>';
  }
  std::cout << '\n';
  std::ifstream missing(std::string(arguments[1]) + "/missing");
  std::cout << "missing opens: " << missing.is_open() << '\n';

  std::string grown;
  for (int i = 0; i < 100000; ++i) {
    grown += static_cast<char>('a' + i % 26);
  }
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i + 3 <= 260; ++i) {
    places.try_emplace(std::string_view(grown).substr(i, 3), i);
  }
  std::cout << grown.size() << ' ' << places.size() << ' ' << places["xyz"] << ' ' << grown.rfind("abc") << '\n';

  const std::set<int> numbers{3, 1, 2, 3};
  const std::deque<std::variant<int, std::string>> mixed{1, "two"};
  std::cout << numbers.size() << *numbers.begin() << ' ' << std::get<std::string>(mixed[1]) << ' '
            << std::optional<int>().value_or(7) << '\n';
  std::pmr::monotonic_buffer_resource arena;
  std::pmr::vector<int> in_arena({1, 2, 3}, &arena);
  static std::once_flag once;
  std::call_once(once, [&] { std::cout << "once: " << in_arena.size() << '\n'; });
  try {
    list.at(99);
  } catch (const std::out_of_range& error) {
    std::cout << error.what() << '\n';
  }
  try {
    std::stoi("none");
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << '\n';
  }
  try {
    file.exceptions(std::ios::failbit);
  } catch (const std::ios_base::failure& error) {
    std::cout << error.what() << '\n';
  }
  std::cerr << "an error\n";
  std::clog << "a log\n";
  std::cout << "not flushed by the program";
}
