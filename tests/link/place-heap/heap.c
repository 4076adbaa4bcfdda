// An allocator that needs functions of another library, first in the middle of being asked.
#include <stddef.h>

void* helper_malloc(size_t size);
void helper_free(void* block);

void* malloc(size_t size) {
  return helper_malloc(size);
}

void free(void* block) {
  helper_free(block);
}
