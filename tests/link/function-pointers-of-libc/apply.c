#include <string.h>

typedef size_t length(const char*);
length* const length_in_data = strlen;

int apply(int (*convert)(int), char* text) {
  int changed = 0;
  for (; *text != 0; ++text) {
    const char before = *text;
    *text = (char)convert(before);
    changed += *text != before;
  }
  return changed;
}
