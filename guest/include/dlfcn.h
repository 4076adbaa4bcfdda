// Opening libraries at run time. docs/dlfcn.md says what differs from Linux. Link -ldl.
#ifndef _DLFCN_H
#define _DLFCN_H

#ifdef __cplusplus
extern "C" {
#endif

#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_NOLOAD 4
#define RTLD_DEEPBIND 0x10
#define RTLD_GLOBAL 0x100
#define RTLD_LOCAL 0  // 8 in wasi-libc, which means the same
#define RTLD_NODELETE 0x1000

#define RTLD_DEFAULT ((void*)0)
#define RTLD_NEXT ((void*)-1)

void* dlopen(const char* name, int flags);
void* dlsym(void* __restrict handle, const char* __restrict name);
int dlclose(void* handle);

// What went wrong last, once; valid until the next call.
char* dlerror(void);

typedef struct {
  const char* dli_fname;  // the library; never freed
  void* dli_fbase;        // where its data begins
  const char* dli_sname;  // the nearest symbol not above the address, or null; never freed
  void* dli_saddr;
} Dl_info;

// `address` may be of data or of a function.
int dladdr(const void* address, Dl_info* info);

// `info` points to a struct link_map*; see <link.h>.
#define RTLD_DI_LINKMAP 2

int dlinfo(void* handle, int request, void* info);

#ifdef __cplusplus
}
#endif

#endif
