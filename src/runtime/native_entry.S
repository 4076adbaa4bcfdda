// Where control passes between the runtime and compiled code. Offsets are those that abi/abi.h and
// runtime/native_code.h assert; the convention is in docs/compiled-code.md.

// abi::Instance, abi::Thread
#define INSTANCE_THREAD 16
#define THREAD_STACK_LIMIT 24
#define THREAD_NATIVE 56
// abi::MachineState
#define STATE_PC 0
#define STATE_SP 8
// runtime::NativeCall
#define CALL_TARGET 0
#define CALL_SLOT 8
#define CALL_INSTANCE 16
#define CALL_INTEGERS 24
#define CALL_FLOATS 80
#define CALL_INTEGER_RESULT 144
#define CALL_FLOAT_RESULT 152
#define CALL_SIZE 160

  .section .note.GNU-stack, "", @progbits
  .text

#define FUNCTION(name) .globl name; .hidden name; .type name, @function; .p2align 4; name:
#define END(name) .size name, . - name

#if defined(__x86_64__)

#define STATE_RBX 16
#define STATE_RBP 24
#define STATE_R12 32
#define STATE_R13 40
#define STATE_R14 48
#define STATE_R15 56
#define STATE_SIZE 64
// abi::NativeSegment
#define SEGMENT_ENTERED STATE_SIZE
#define SEGMENT_IS_FAULT (2 * STATE_SIZE + 16)

// uint64_t tenon_enter_native(NativeCall* rdi, NativeSegment* rsi)
FUNCTION(tenon_enter_native)
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  .cfi_offset %rbx, -24
  pushq %r12
  .cfi_offset %r12, -32
  pushq %r13
  .cfi_offset %r13, -40
  pushq %r14
  .cfi_offset %r14, -48
  pushq %r15
  .cfi_offset %r15, -56
  pushq %rdi
  movq %rsp, (SEGMENT_ENTERED + STATE_SP)(%rsi)
  leaq .Lleft(%rip), %rax
  movq %rax, (SEGMENT_ENTERED + STATE_PC)(%rsi)
  movq %rdi, %rax
  movq CALL_TARGET(%rax), %r11
  movq CALL_SLOT(%rax), %r10
  movq CALL_INSTANCE(%rax), %rdi
  movq CALL_INTEGERS(%rax), %rsi
  movq CALL_INTEGERS + 8(%rax), %rdx
  movq CALL_INTEGERS + 16(%rax), %rcx
  movq CALL_INTEGERS + 24(%rax), %r8
  movq CALL_INTEGERS + 32(%rax), %r9
  movsd CALL_FLOATS(%rax), %xmm0
  movsd CALL_FLOATS + 8(%rax), %xmm1
  movsd CALL_FLOATS + 16(%rax), %xmm2
  movsd CALL_FLOATS + 24(%rax), %xmm3
  movsd CALL_FLOATS + 32(%rax), %xmm4
  movsd CALL_FLOATS + 40(%rax), %xmm5
  movsd CALL_FLOATS + 48(%rax), %xmm6
  movsd CALL_FLOATS + 56(%rax), %xmm7
  callq *%r11
  movq (%rsp), %rcx
  movq %rax, CALL_INTEGER_RESULT(%rcx)
  movsd %xmm0, CALL_FLOAT_RESULT(%rcx)
  movl $1, %eax
.Lback:
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_def_cfa %rbp, 16
.Lleft:
  // The upper halves of vector registers may be in use where the code was left.
  xorl %eax, %eax
  jmp .Lback
  .cfi_endproc
END(tenon_enter_native)

// Stores the state of the compiled caller in its segment. Uses rax and r11.
.macro capture
  movq INSTANCE_THREAD(%rdi), %r11
  movq THREAD_NATIVE(%r11), %rax
  movq (%rsp), %r11
  movq %r11, STATE_PC(%rax)
  leaq 8(%rsp), %r11
  movq %r11, STATE_SP(%rax)
  movq %rbx, STATE_RBX(%rax)
  movq %rbp, STATE_RBP(%rax)
  movq %r12, STATE_R12(%rax)
  movq %r13, STATE_R13(%rax)
  movq %r14, STATE_R14(%rax)
  movq %r15, STATE_R15(%rax)
  movq $0, SEGMENT_IS_FAULT(%rax)
  movq INSTANCE_THREAD(%rdi), %r11
  cmpq THREAD_STACK_LIMIT(%r11), %rsp
  jb .Lexhausted
.endm

FUNCTION(tenon_native_call_out)
  .cfi_startproc
  capture
  subq $(CALL_SIZE + 8), %rsp
  .cfi_adjust_cfa_offset CALL_SIZE + 8
  movq %r10, CALL_SLOT(%rsp)
  movq %rdi, CALL_INSTANCE(%rsp)
  movq %rsi, CALL_INTEGERS(%rsp)
  movq %rdx, CALL_INTEGERS + 8(%rsp)
  movq %rcx, CALL_INTEGERS + 16(%rsp)
  movq %r8, CALL_INTEGERS + 24(%rsp)
  movq %r9, CALL_INTEGERS + 32(%rsp)
  movsd %xmm0, CALL_FLOATS(%rsp)
  movsd %xmm1, CALL_FLOATS + 8(%rsp)
  movsd %xmm2, CALL_FLOATS + 16(%rsp)
  movsd %xmm3, CALL_FLOATS + 24(%rsp)
  movsd %xmm4, CALL_FLOATS + 32(%rsp)
  movsd %xmm5, CALL_FLOATS + 40(%rsp)
  movsd %xmm6, CALL_FLOATS + 48(%rsp)
  movsd %xmm7, CALL_FLOATS + 56(%rsp)
  movq %rsp, %rdi
  callq tenon_decide_call_out
  testq %rax, %rax
  jne .Ljump
  movq CALL_INTEGER_RESULT(%rsp), %rax
  movsd CALL_FLOAT_RESULT(%rsp), %xmm0
  addq $(CALL_SIZE + 8), %rsp
  .cfi_adjust_cfa_offset -(CALL_SIZE + 8)
  retq
  .cfi_adjust_cfa_offset CALL_SIZE + 8
.Ljump:
  movq %rax, %r11
  movq CALL_SLOT(%rsp), %r10
  movq CALL_INSTANCE(%rsp), %rdi
  movq CALL_INTEGERS(%rsp), %rsi
  movq CALL_INTEGERS + 8(%rsp), %rdx
  movq CALL_INTEGERS + 16(%rsp), %rcx
  movq CALL_INTEGERS + 24(%rsp), %r8
  movq CALL_INTEGERS + 32(%rsp), %r9
  movsd CALL_FLOATS(%rsp), %xmm0
  movsd CALL_FLOATS + 8(%rsp), %xmm1
  movsd CALL_FLOATS + 16(%rsp), %xmm2
  movsd CALL_FLOATS + 24(%rsp), %xmm3
  movsd CALL_FLOATS + 32(%rsp), %xmm4
  movsd CALL_FLOATS + 40(%rsp), %xmm5
  movsd CALL_FLOATS + 48(%rsp), %xmm6
  movsd CALL_FLOATS + 56(%rsp), %xmm7
  addq $(CALL_SIZE + 8), %rsp
  .cfi_adjust_cfa_offset -(CALL_SIZE + 8)
  jmpq *%r11
.Lexhausted:
  // sandbox: what raises the trap may use the stack below the limit, and nothing but it does.
  andq $-16, %rsp
  callq tenon_helper_stack_exhausted_cxx
  ud2
  .cfi_endproc
END(tenon_native_call_out)

.macro helper name
FUNCTION(tenon_helper_\name)
  .cfi_startproc
  capture
  jmp tenon_helper_\name\()_cxx
  .cfi_endproc
END(tenon_helper_\name)
.endm

// void tenon_leave_native(NativeSegment* rdi)
FUNCTION(tenon_leave_native)
  .cfi_startproc
  movq (SEGMENT_ENTERED + STATE_SP)(%rdi), %rsp
  jmpq *(SEGMENT_ENTERED + STATE_PC)(%rdi)
  .cfi_endproc
END(tenon_leave_native)

// void tenon_land(MachineState* rdi, Exception* rsi): at a landing pad, as LLVM has it.
FUNCTION(tenon_land)
  .cfi_startproc
  movq STATE_RBX(%rdi), %rbx
  movq STATE_RBP(%rdi), %rbp
  movq STATE_R12(%rdi), %r12
  movq STATE_R13(%rdi), %r13
  movq STATE_R14(%rdi), %r14
  movq STATE_R15(%rdi), %r15
  movq STATE_SP(%rdi), %rsp
  movq %rsi, %rax
  movl $1, %edx
  jmpq *STATE_PC(%rdi)
  .cfi_endproc
END(tenon_land)

#elif defined(__aarch64__)

#define STATE_X19 16
#define STATE_D8 112
#define STATE_SIZE 176
#define SEGMENT_ENTERED STATE_SIZE
#define SEGMENT_IS_FAULT (2 * STATE_SIZE + 16)

.macro save_preserved base
  stp x19, x20, [\base, #STATE_X19]
  stp x21, x22, [\base, #STATE_X19 + 16]
  stp x23, x24, [\base, #STATE_X19 + 32]
  stp x25, x26, [\base, #STATE_X19 + 48]
  stp x27, x28, [\base, #STATE_X19 + 64]
  stp x29, x30, [\base, #STATE_X19 + 80]
  stp d8, d9, [\base, #STATE_D8]
  stp d10, d11, [\base, #STATE_D8 + 16]
  stp d12, d13, [\base, #STATE_D8 + 32]
  stp d14, d15, [\base, #STATE_D8 + 48]
.endm

.macro restore_preserved base
  ldp x19, x20, [\base, #STATE_X19]
  ldp x21, x22, [\base, #STATE_X19 + 16]
  ldp x23, x24, [\base, #STATE_X19 + 32]
  ldp x25, x26, [\base, #STATE_X19 + 48]
  ldp x27, x28, [\base, #STATE_X19 + 64]
  ldp x29, x30, [\base, #STATE_X19 + 80]
  ldp d8, d9, [\base, #STATE_D8]
  ldp d10, d11, [\base, #STATE_D8 + 16]
  ldp d12, d13, [\base, #STATE_D8 + 32]
  ldp d14, d15, [\base, #STATE_D8 + 48]
.endm

// The registers of a NativeCall at `base`, which is none of them.
.macro load_call base
  ldr x18, [\base, #CALL_SLOT]
  ldp x1, x2, [\base, #CALL_INTEGERS]
  ldp x3, x4, [\base, #CALL_INTEGERS + 16]
  ldp x5, x6, [\base, #CALL_INTEGERS + 32]
  ldr x7, [\base, #CALL_INTEGERS + 48]
  ldp d0, d1, [\base, #CALL_FLOATS]
  ldp d2, d3, [\base, #CALL_FLOATS + 16]
  ldp d4, d5, [\base, #CALL_FLOATS + 32]
  ldp d6, d7, [\base, #CALL_FLOATS + 48]
  ldr x0, [\base, #CALL_INSTANCE]
.endm

// uint64_t tenon_enter_native(NativeCall* x0, NativeSegment* x1)
FUNCTION(tenon_enter_native)
  .cfi_startproc
  stp x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov x29, sp
  .cfi_def_cfa x29, 16
  add x16, x1, #SEGMENT_ENTERED
  save_preserved x16
  stp x0, x1, [sp, #-16]!
  mov x17, sp
  str x17, [x16, #STATE_SP]
  adr x17, .Lleft
  str x17, [x16, #STATE_PC]
  mov x16, x0
  ldr x17, [x16, #CALL_TARGET]
  load_call x16
  blr x17
  ldr x16, [sp]
  str x0, [x16, #CALL_INTEGER_RESULT]
  str d0, [x16, #CALL_FLOAT_RESULT]
  add sp, sp, #16
  mov x0, #1
  ldp x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  ret
  .cfi_def_cfa x29, 16
.Lleft:
  ldr x16, [sp, #8]
  add x16, x16, #SEGMENT_ENTERED
  restore_preserved x16
  add sp, sp, #16
  mov x0, #0
  ldp x29, x30, [sp], #16
  ret
  .cfi_endproc
END(tenon_enter_native)

// Stores the state of the compiled caller in its segment. Uses x16 and x17.
.macro capture
  ldr x16, [x0, #INSTANCE_THREAD]
  ldr x16, [x16, #THREAD_NATIVE]
  save_preserved x16
  mov x17, sp
  stp x30, x17, [x16, #STATE_PC]
  str xzr, [x16, #SEGMENT_IS_FAULT]
  ldr x16, [x0, #INSTANCE_THREAD]
  ldr x16, [x16, #THREAD_STACK_LIMIT]
  cmp x17, x16
  b.lo .Lexhausted
.endm

FUNCTION(tenon_native_call_out)
  .cfi_startproc
  capture
  stp x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov x29, sp
  .cfi_def_cfa x29, 16
  sub sp, sp, #CALL_SIZE
  str x18, [sp, #CALL_SLOT]
  str x0, [sp, #CALL_INSTANCE]
  stp x1, x2, [sp, #CALL_INTEGERS]
  stp x3, x4, [sp, #CALL_INTEGERS + 16]
  stp x5, x6, [sp, #CALL_INTEGERS + 32]
  str x7, [sp, #CALL_INTEGERS + 48]
  stp d0, d1, [sp, #CALL_FLOATS]
  stp d2, d3, [sp, #CALL_FLOATS + 16]
  stp d4, d5, [sp, #CALL_FLOATS + 32]
  stp d6, d7, [sp, #CALL_FLOATS + 48]
  mov x0, sp
  bl tenon_decide_call_out
  cbnz x0, .Ljump
  ldr x0, [sp, #CALL_INTEGER_RESULT]
  ldr d0, [sp, #CALL_FLOAT_RESULT]
  add sp, sp, #CALL_SIZE
  ldp x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  ret
  .cfi_def_cfa x29, 16
.Ljump:
  mov x17, x0
  mov x16, sp
  load_call x16
  add sp, sp, #CALL_SIZE
  ldp x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  br x17
.Lexhausted:
  // sandbox: what raises the trap may use the stack below the limit, and nothing but it does.
  bl tenon_helper_stack_exhausted_cxx
  brk #1
  .cfi_endproc
END(tenon_native_call_out)

.macro helper name
FUNCTION(tenon_helper_\name)
  .cfi_startproc
  capture
  b tenon_helper_\name\()_cxx
  .cfi_endproc
END(tenon_helper_\name)
.endm

// void tenon_leave_native(NativeSegment* x0)
FUNCTION(tenon_leave_native)
  .cfi_startproc
  add x16, x0, #SEGMENT_ENTERED
  ldp x17, x16, [x16, #STATE_PC]
  mov sp, x16
  br x17
  .cfi_endproc
END(tenon_leave_native)

// void tenon_land(MachineState* x0, Exception* x1): at a landing pad, as LLVM has it.
FUNCTION(tenon_land)
  .cfi_startproc
  mov x16, x0
  restore_preserved x16
  ldp x17, x16, [x16, #STATE_PC]
  mov sp, x16
  mov x0, x1
  mov x1, #1
  br x17
  .cfi_endproc
END(tenon_land)

#else
#error "compiled code cannot be entered on this processor yet"
#endif

helper trap
helper element_trap
helper stack_exhausted
helper stack_overrun
helper make_instance
helper reference_function
helper memory_grow
helper memory_copy
helper memory_fill
helper bulk
helper wait32
helper wait64
helper notify
helper throw_new
helper throw_again
