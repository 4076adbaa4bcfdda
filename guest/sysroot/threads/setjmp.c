// libsetjmp: what the compiler makes of setjmp and longjmp with -wasm-enable-sjlj calls these functions. The names and
// the exception's contents are those of the tool conventions (SetjmpLongjmp.md): a pointer to `arguments`, below.
#include <setjmp.h>
#include <stdint.h>

struct environment {
  void* invocation;  // which activation of the function that called setjmp
  uint32_t label;    // which of its calls to setjmp
  struct {
    void* environment;
    int value;
  } arguments;
};
_Static_assert(sizeof(struct environment) <= sizeof(jmp_buf), "it lies in a jmp_buf");

enum { longjmp_tag = 1 };  // in clang: WebAssembly::C_LONGJMP, imported as env.__c_longjmp

void __wasm_setjmp(struct environment* environment, uint32_t label, void* invocation) {
  environment->invocation = invocation;
  environment->label = label;
}

uint32_t __wasm_setjmp_test(struct environment* environment, void* invocation) {
  return environment->invocation == invocation ? environment->label : 0;
}

void __wasm_longjmp(struct environment* environment, int value) {
  environment->arguments.environment = environment;
  environment->arguments.value = value == 0 ? 1 : value;
  __builtin_wasm_throw(longjmp_tag, &environment->arguments);
}
