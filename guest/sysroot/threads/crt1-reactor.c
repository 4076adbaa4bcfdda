// The start file of modules that are initialised and then called by the host.
void __wasm_call_ctors(void);

__attribute__((export_name("_initialize"))) void _initialize(void) {
  static int done;
  if (done) {
    __builtin_trap();
  }
  done = 1;
  __wasm_call_ctors();
}
