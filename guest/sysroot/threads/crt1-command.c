// The start file of programs. It knows no symbol of the program but main, by way of libc's __main_void.
#include <wasi/api.h>

void __wasm_call_ctors(void);
int __main_void(void);
void __wasm_call_dtors(void);

__attribute__((export_name("_start"))) void _start(void) {
  __wasm_call_ctors();
  const int status = __main_void();
  __wasm_call_dtors();
  if (status != 0) {
    __wasi_proc_exit((__wasi_exitcode_t)status);
  }
}
