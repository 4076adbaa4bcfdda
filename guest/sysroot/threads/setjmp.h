// <setjmp.h>, over WebAssembly's exceptions. To compile: -mllvm -wasm-enable-sjlj. To link: -lsetjmp.
#ifndef _SETJMP_H
#define _SETJMP_H

#ifdef __cplusplus
extern "C" {
#endif

// What the compiler's code and libsetjmp need is the first six words.
typedef struct __jmp_buf_tag {
  unsigned long __opaque[32];
} jmp_buf[1];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf) __attribute__((__returns_twice__));
void longjmp(jmp_buf, int) __attribute__((__noreturn__));
#define setjmp setjmp

// There are no signals to mask.
#define _setjmp setjmp
#define _longjmp longjmp
#define sigsetjmp(environment, savemask) setjmp(environment)
#define siglongjmp longjmp

#ifdef __cplusplus
}
#endif

#endif
