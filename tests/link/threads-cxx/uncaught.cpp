#include <cstdio>
#include <stdexcept>
#include <thread>

int main() {
  std::thread thread([] { throw std::runtime_error("nobody wants this"); });
  thread.join();
  puts("main goes on");
}
