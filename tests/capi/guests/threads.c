// A reactor whose memory is shared: threads of the host's call in at once.
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int total;
static _Thread_local int own;

__attribute__((export_name("add_many"))) int add_many(int count) {
  for (int i = 0; i < count; ++i) {
    atomic_fetch_add(&total, 1);
    ++own;
  }
  return own;
}
__attribute__((export_name("total"))) int get_total(void) { return atomic_load(&total); }
__attribute__((export_name("spin"))) void spin(void) {
  for (;;) {
    atomic_fetch_add(&total, 1);
  }
}
