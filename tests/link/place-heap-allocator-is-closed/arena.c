// An allocator whose heap goes with it.
typedef unsigned size_t;

static _Alignas(16) char arena[100000];
static size_t used;

void* malloc(size_t size) {
  if (size > sizeof arena - used) {
    return 0;
  }
  used += (size + 15) & -16u;
  return arena + used - ((size + 15) & -16u);
}

void free(void* block) {}
