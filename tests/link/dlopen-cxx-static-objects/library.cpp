#include <iostream>
#include <map>
#include <string>

namespace {

class Tracer {
 public:
  explicit Tracer(std::string name) : name_(std::move(name)) { std::cout << "  " << name_ << " begins\n"; }
  ~Tracer() { std::cout << "  " << name_ << " ends\n"; }

 private:
  std::string name_;
};

Tracer first("first");
Tracer second("second");
std::map<std::string, int> counts{{"one", 1}};

}  // namespace

extern "C" int count(const char* name) {
  static Tracer local("local");
  return ++counts[name];
}
