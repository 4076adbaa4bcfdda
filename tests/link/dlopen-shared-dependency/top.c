#include <stdio.h>

#define TEXT(name) #name
#define STRING(name) TEXT(name)

int count(void);

__attribute__((constructor)) static void construct(void) {
  puts(STRING(NAME) " begins");
}

__attribute__((destructor)) static void destruct(void) {
  puts(STRING(NAME) " ends");
}

int use(void) {
  return count();
}
