#pragma once

#include <string>
#include <vector>

class Named {
 public:
  explicit Named(std::string name);
  ~Named();

 private:
  std::string name_;
};

std::vector<std::string>& journal();  // libbase.so

inline Named shared("the inline variable");  // defined by every module, made and destroyed once

struct Registered {
  explicit Registered(const char* name);
};

Named& on_first_use();  // libuser.so
