// void tenon_call_native_function(NativeCall*): puts arguments where the C convention has them, calls, and takes the
// result in both forms. Offsets are those that native_call.h asserts.

#define CALL_FUNCTION 0
#define CALL_STACK 8
#define CALL_STACK_SIZE 16
#define CALL_FLOATS 24
#define CALL_INTEGER_RESULT 88
#define CALL_FLOAT_RESULT 96
#define CALL_INTEGERS 104

  .section .note.GNU-stack, "", @progbits
  .text
  .globl tenon_call_native_function
  .hidden tenon_call_native_function
  .type tenon_call_native_function, @function
  .p2align 4
tenon_call_native_function:
  .cfi_startproc

#if defined(__x86_64__)

  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  .cfi_offset %rbx, -24
  subq $8, %rsp
  movq %rdi, %rbx
  // The stack's arguments, the last one first; an odd number of them leaves a word free above.
  movq CALL_STACK(%rbx), %rax
  movq CALL_STACK_SIZE(%rbx), %rcx
  testq $1, %rcx
  jz 1f
  subq $8, %rsp
1:
  testq %rcx, %rcx
  jz 2f
  pushq -8(%rax, %rcx, 8)
  decq %rcx
  jmp 1b
2:
  movsd CALL_FLOATS(%rbx), %xmm0
  movsd CALL_FLOATS + 8(%rbx), %xmm1
  movsd CALL_FLOATS + 16(%rbx), %xmm2
  movsd CALL_FLOATS + 24(%rbx), %xmm3
  movsd CALL_FLOATS + 32(%rbx), %xmm4
  movsd CALL_FLOATS + 40(%rbx), %xmm5
  movsd CALL_FLOATS + 48(%rbx), %xmm6
  movsd CALL_FLOATS + 56(%rbx), %xmm7
  movq CALL_INTEGERS(%rbx), %rdi
  movq CALL_INTEGERS + 8(%rbx), %rsi
  movq CALL_INTEGERS + 16(%rbx), %rdx
  movq CALL_INTEGERS + 24(%rbx), %rcx
  movq CALL_INTEGERS + 32(%rbx), %r8
  movq CALL_INTEGERS + 40(%rbx), %r9
  movl $8, %eax
  callq *CALL_FUNCTION(%rbx)
  movq %rax, CALL_INTEGER_RESULT(%rbx)
  movsd %xmm0, CALL_FLOAT_RESULT(%rbx)
  leaq -8(%rbp), %rsp
  popq %rbx
  popq %rbp
  .cfi_def_cfa %rsp, 8
  retq

#elif defined(__aarch64__)

  stp x29, x30, [sp, #-32]!
  .cfi_def_cfa_offset 32
  .cfi_offset x29, -32
  .cfi_offset x30, -24
  mov x29, sp
  .cfi_def_cfa_register x29
  str x19, [sp, #16]
  .cfi_offset x19, -16
  mov x19, x0
  // Room for the stack's arguments, a multiple of 16 bytes.
  ldr x9, [x19, #CALL_STACK]
  ldr x10, [x19, #CALL_STACK_SIZE]
  add x11, x10, #1
  bic x11, x11, #1
  sub sp, sp, x11, lsl #3
1:
  cbz x10, 2f
  sub x10, x10, #1
  ldr x12, [x9, x10, lsl #3]
  str x12, [sp, x10, lsl #3]
  b 1b
2:
  add x9, x19, #CALL_FLOATS
  ldp d0, d1, [x9]
  ldp d2, d3, [x9, #16]
  ldp d4, d5, [x9, #32]
  ldp d6, d7, [x9, #48]
  ldr x9, [x19, #CALL_FUNCTION]
  ldp x0, x1, [x19, #CALL_INTEGERS]
  ldp x2, x3, [x19, #(CALL_INTEGERS + 16)]
  ldp x4, x5, [x19, #(CALL_INTEGERS + 32)]
  ldp x6, x7, [x19, #(CALL_INTEGERS + 48)]
  blr x9
  str x0, [x19, #CALL_INTEGER_RESULT]
  str d0, [x19, #CALL_FLOAT_RESULT]
  mov sp, x29
  ldr x19, [sp, #16]
  ldp x29, x30, [sp], #32
  .cfi_def_cfa sp, 0
  ret

#else
#error "no calls of C functions on this machine yet"
#endif

  .cfi_endproc
  .size tenon_call_native_function, . - tenon_call_native_function
