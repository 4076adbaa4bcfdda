#include "aot/run_compiler.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace tenon::aot {

Result<int> run_compiler(std::vector<std::string> words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  pid_t child = 0;
  if (const int error = posix_spawn(&child, pointers.front(), nullptr, nullptr, pointers.data(), environ); error != 0) {
    return fail(ErrorKind::io, "cannot start {}: {}", words.front(), strerror(error));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return fail(ErrorKind::limit,
                "it could not be compiled: the compiler was ended by signal {} ({}); was there too little memory?",
                signal, strsignal(signal));
  }
  return WEXITSTATUS(status);
}

}  // namespace tenon::aot
