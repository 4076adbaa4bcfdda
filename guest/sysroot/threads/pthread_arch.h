// Where musl finds the calling thread's struct pthread: in libc's own thread-local block. It is made at its first use,
// so that a thread needs nothing but that block to call libc, whoever made the thread.
extern _Thread_local struct __pthread* __wasilibc_self __attribute__((visibility("hidden")));
__attribute__((visibility("hidden"))) struct __pthread* __wasilibc_make_self(void);

static inline struct __pthread* __wasilibc_get_self(void) {
  struct __pthread* const self = __wasilibc_self;
  return __builtin_expect(self != 0, 1) ? self : __wasilibc_make_self();
}

#define __get_tp() ((uintptr_t)__wasilibc_get_self())
#define tls_mod_off_t unsigned long long
