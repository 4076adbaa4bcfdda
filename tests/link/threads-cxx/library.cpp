#include "shared.h"

static thread_local Noted first("library's first"), second("library's second");

int use_library() {
  return ++first.uses + ++second.uses;
}

void throw_from_library(int number) {
  throw LibraryError(number);
}

int call_and_catch(void (*function)(int), int number) {
  try {
    function(number);
  } catch (const LibraryError& error) {
    return error.number + 1;
  } catch (const std::string& text) {
    return static_cast<int>(text.size());
  }
  return -1;
}
