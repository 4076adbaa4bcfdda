#include <pthread.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <thread>

struct Told {
  ~Told() { puts("destroyed"); }
};

int main(int count, char** arguments) {
  const bool with_handler = count > 1 && strcmp(arguments[1], "handler") == 0;
  if (with_handler) {
    std::set_terminate([] {
      puts("terminate");
      fflush(stdout);
      std::_Exit(7);
    });
  }
  // What ends a thread is no exception of C++'s.
  std::thread([] {
    Told told;
    pthread_exit(nullptr);
  }).join();
  fflush(stdout);
  std::thread thread([] { throw std::runtime_error("nobody wants this"); });
  thread.join();
  puts("main goes on");
}
