#include <stddef.h>

int provided(void) __attribute__((weak));
extern int provided_data __attribute__((weak));

int sees_function(void) {
  return provided != NULL;
}

int sees_data(void) {
  return &provided_data != NULL;
}
