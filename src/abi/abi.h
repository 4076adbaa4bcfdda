// What generated code (the interpreter's and the compiler's) and the runtime share: plain structs at fixed offsets, and
// nothing else. Whoever changes a struct here changes the ABI version. The calling convention of compiled code is in
// docs/compiled-code.md.
//
// Ownership and threads, in one picture:
//
//   Program ── one memory 0, one function table, descriptors          shared by all threads
//   Thread  ── stack pointer, stacks, instances by DSO                one OS thread
//   Instance── one DSO in one thread: cells, import slots, tables     written by its thread and, before publication,
//   the linker Code    ── one function of one module                             shared by all programs of the process
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wasm/types.h"

namespace tenon::abi {

struct Code;
struct FunctionDescriptor;
struct Instance;
struct Thread;
struct Exception;
struct Helpers;
struct NativeSegment;

/// One instruction of the interpreter's register code; only its room knows more.
struct Instruction;

/// A slot of the value stack, a global, a table element: any value of up to 64 bits. Values of 32 bits leave the upper
/// half unspecified. A v128 takes two.
union Cell {
  uint64_t bits;
  int32_t i32;
  uint32_t u32;
  int64_t i64;
  uint64_t u64;
  float f32;
  double f64;
  const FunctionDescriptor* function;  ///< a funcref; null is ref.null
  void* pointer;                       ///< an externref, opaque; null is ref.null
  Cell* cell;                          ///< an imported global that lives elsewhere
};
static_assert(sizeof(Cell) == 8);

/// A v128: the contents of its two Cells, the lower lanes first.
struct V128 {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const V128&) const = default;
};
static_assert(sizeof(V128) == 2 * sizeof(Cell));

/// How many Cells a value of `type` takes.
[[nodiscard]] constexpr uint32_t cells_of(wasm::ValueType type) {
  return type == wasm::ValueType::v128 ? 2 : 1;
}
/// How many all values of a list take.
[[nodiscard]] constexpr uint32_t cells_of(std::span<const wasm::ValueType> types) {
  auto cells = static_cast<uint32_t>(types.size());
  for (const wasm::ValueType type : types) {
    cells += cells_of(type) - 1;
  }
  return cells;
}

/// How code of a function is reached. For a defined function: one per function of a module, shared by all programs that
/// use the module. `entry` changes once, from the stub that translates to the translation.
struct Code {
  /// What the interpreter executes. Release store by the thread that translated, pairs with the acquire load of the
  /// caller.
  std::atomic<const Instruction*> entry;
  /// The Executable that owns this, null for a host function.
  void* owner = nullptr;
  uint32_t function = 0;  ///< index in its module
  uint16_t window = 0;    ///< slots of arguments or results, whichever are more
  /// Of a frame of the translation; written before `entry` is. Who reads it with the `entry` of before does not use it.
  std::atomic<uint16_t> slots{0};
};
static_assert(offsetof(Code, entry) == 0);

/// A function as a value: what a table element or a funcref points to. Immutable once published; lives until its DSO
/// has been unloaded and nothing can hold it.
struct FunctionDescriptor {
  const void* native = nullptr;              ///< entry for compiled callers: never null
  const wasm::FunctionType* type = nullptr;  ///< interned: equal types, equal pointers
  const Code* code = nullptr;                ///< entry for interpreted callers
  uint32_t dso = 0;                          ///< index into Thread::instances
  uint32_t function = 0;                     ///< index in its module
};
static_assert(offsetof(FunctionDescriptor, native) == 0);
static_assert(offsetof(FunctionDescriptor, type) == 8);
static_assert(offsetof(FunctionDescriptor, code) == 16);
static_assert(offsetof(FunctionDescriptor, dso) == 24);

/// What a call through a function import reads; lives in the importing instance. Binding patches it: per thread, so no
/// lock. Compiled callers read the first pair, interpreted ones the second. Before it is bound, `code` is the binder's
/// and `instance` the importer itself; that of a slot bound to a host function is the importer as well. Memory 0 of a
/// bound slot's instance is the importer's, or it has none and is never looked at: so a call does not change the
/// memory's base. Slots of callees with another memory stay the binder's.
struct ImportSlot {
  const void* native = nullptr;
  Instance* instance = nullptr;
  const Code* code = nullptr;
};
static_assert(sizeof(ImportSlot) == 24);
static_assert(offsetof(ImportSlot, native) == 0);
static_assert(offsetof(ImportSlot, instance) == 8);
static_assert(offsetof(ImportSlot, code) == 16);
// The runtime's entries for compiled callers are given one or the other, and find the code in both.
static_assert(offsetof(ImportSlot, code) == offsetof(FunctionDescriptor, code));

/// A linear memory. `base` never changes while the memory lives. `size` only grows.
struct Memory {
  uint8_t* base = nullptr;
  std::atomic<uint64_t> size{0};  ///< bytes that may be accessed
};
static_assert(offsetof(Memory, base) == 0);
static_assert(offsetof(Memory, size) == 8);

/// A table. `elements` never moves (it is reserved for its maximum); an element is published with release and read with
/// acquire by call_indirect of any thread.
struct Table {
  Cell* elements = nullptr;
  std::atomic<uint64_t> size{0};  ///< elements
};
static_assert(offsetof(Table, elements) == 0);
static_assert(offsetof(Table, size) == 8);

/// One DSO in one thread. Behind the struct follow, at offsets that the module alone decides (abi::InstanceLayout): one
/// Cell per global (its value, GOT cell or base made by the linker; or a pointer to the exporter's Cell, or to a v128),
/// one ImportSlot per imported function, one Table* per table, one identity per tag, one dropped flag per segment.
struct Instance {
  uint8_t* memory_base = nullptr;  ///< of memory 0; null without one
  Memory* memory = nullptr;        ///< memory 0
  Thread* thread = nullptr;
  void* program_dso = nullptr;  ///< the link::Dso
  /// The module's types by index, interned: what call_indirect compares a descriptor's with.
  const wasm::FunctionType* const* types = nullptr;
  uint32_t dso = 0;  ///< index into Thread::instances
  uint32_t flags = 0;
};
static_assert(sizeof(Instance) == 48);
static_assert(offsetof(Instance, memory_base) == 0);
static_assert(offsetof(Instance, memory) == 8);
static_assert(offsetof(Instance, thread) == 16);
static_assert(offsetof(Instance, types) == 32);
static_assert(offsetof(Instance, dso) == 40);

/// A call in progress of interpreted code: what to go back to. Frames grow down from the end of the thread's stack,
/// values grow up from its start, so that one comparison guards both.
struct Frame {
  const Instruction* return_to;
  Cell* caller_values;
  Instance* caller_instance;
  const Code* code;  ///< the callee: whose frame this is
};
static_assert(sizeof(Frame) == 32);

/// A WebAssembly exception, in flight or caught. The Cells of the tag's parameters follow the struct.
struct Exception {
  const void* tag = nullptr;  ///< identity: the runtime::Tag
  uint32_t count = 0;         ///< of Cells
  uint32_t marked = 0;        ///< found alive by the sweep under way

  [[nodiscard]] Cell* values() { return reinterpret_cast<Cell*>(this + 1); }
};
static_assert(sizeof(Exception) == 16);

/// Why a thread leaves guest code before it returns.
enum class Pending : uint32_t { none, trap, exception, exit };

/// One OS thread inside one program.
struct Thread {
  Cell stack_pointer{};            ///< `__stack_pointer` of all DSOs of a linked program
  Instance** instances = nullptr;  ///< by DSO index; null where this thread has made none yet
  uint64_t instance_count = 0;
  uintptr_t native_stack_limit = 0;  ///< host functions are not entered with less stack than down to here
  std::atomic<uint32_t> interrupt{0};
  Pending pending = Pending::none;
  const Helpers* helpers = nullptr;  ///< what compiled code asks of the runtime
  Cell* overflow = nullptr;          ///< arguments and results of compiled code that have no register; kOverflowCells
  NativeSegment* native = nullptr;   ///< the innermost stretch of compiled code's frames on the native stack
  // The interpreter's state when it is left for the host, so that nested entries and backtraces find it.
  Cell* values = nullptr;   ///< first free value slot
  Frame* frames = nullptr;  ///< the innermost frame
  const Instruction* position = nullptr;
  Exception* exception = nullptr;  ///< while pending == exception
  uint64_t stack_low = 0;          ///< lowest address of the guest's stack, for --check-stack; 0 when unknown
};
static_assert(offsetof(Thread, stack_pointer) == 0);
static_assert(offsetof(Thread, instances) == 8);
static_assert(offsetof(Thread, native_stack_limit) == 24);
static_assert(offsetof(Thread, interrupt) == 32);
static_assert(offsetof(Thread, pending) == 36);
static_assert(offsetof(Thread, helpers) == 40);
static_assert(offsetof(Thread, overflow) == 48);
static_assert(offsetof(Thread, native) == 56);
static_assert(offsetof(Thread, stack_low) == 96);

// The calling convention of compiled code: the platform's C convention (System V, AAPCS64) for
//
//   R function(nest slot, Instance* callee, arguments...)
//
// of which never anything is on the stack. `slot` (r10, x18) is the ImportSlot or FunctionDescriptor that the call went
// through; compiled functions ignore it, the runtime's entries need it. Integers and references are given, in order,
// the first kIntegerArguments integer registers behind the instance's, floats the first kFloatArguments float
// registers; the upper half of an i32's register is unspecified. Arguments that find no register, and those of type
// v128, go, in order, to Thread::overflow; the callee reads them before anything else. The first result is in rax/x0 or
// xmm0/d0 unless it is a v128; the others are in Thread::overflow, which the caller reads before anything else.
#if defined(__aarch64__)
constexpr unsigned kIntegerArguments = 7;
#else
constexpr unsigned kIntegerArguments = 5;
#endif
constexpr unsigned kFloatArguments = 8;
constexpr unsigned kOverflowCells = 2000;  ///< for as many v128 as a function may have parameters or results

/// Bytes of native stack that a compiled function may use without asking, once a check of its own or of its caller's
/// has found `native_stack_limit` not reached. A function with a larger frame adds it to what it checks.
constexpr unsigned kUncheckedFrame = 16 * 1024;

/// What compiled code asks of the runtime, by the platform's C convention. None returns when something becomes pending:
/// frames of compiled code up to where it was entered are left as they are, or unwound to a landing pad that catches.
/// Where a helper was called from tells the instruction (see abi/image.h, positions); `offset` is that of the
/// instruction in the module, for helpers whose calls a compiler may merge.
struct Helpers {
  /// Traps: `kind` is an abi::TrapKind.
  void (*trap)(Instance*, uint32_t kind, uint32_t offset);
  /// The trap of an indirect call through element `index` of table `table`.
  void (*element_trap)(Instance*, uint32_t kind, uint32_t index, uint32_t table, uint32_t offset);
  /// Traps: the native stack has come to its limit.
  void (*stack_exhausted)(Instance*);
  /// Traps: `__stack_pointer` would become `pointer`, which is below Thread::stack_low.
  void (*stack_overrun)(Instance*, uint32_t pointer, uint32_t offset);
  /// The calling thread's instance of a DSO of which Thread::instances has none yet.
  Instance* (*make_instance)(Instance*, uint32_t dso);
  const FunctionDescriptor* (*reference_function)(Instance*, uint32_t function);
  uint64_t (*memory_grow)(Instance*, uint64_t pages, uint32_t memory);  ///< previous size in pages, or -1
  void (*memory_copy)(Instance*, uint64_t to, uint64_t from, uint64_t count);
  void (*memory_fill)(Instance*, uint64_t to, uint32_t value, uint64_t count);
  /// Bulk and table instructions besides: `opcode` is a wasm::Opcode, `arguments` its operands in order, `first` and
  /// `second` its immediate indices in order. The result, if it has one.
  uint64_t (*bulk)(Instance*, uint32_t opcode, const Cell* arguments, uint32_t first, uint32_t second);
  /// memory.atomic.wait32 and wait64; `address` with the static offset. Checks bounds, alignment and sharedness.
  uint32_t (*wait32)(Instance*, uint64_t address, uint32_t expected, int64_t timeout);
  uint32_t (*wait64)(Instance*, uint64_t address, uint64_t expected, int64_t timeout);
  uint32_t (*notify)(Instance*, uint64_t address, uint32_t count);
  /// Throws a new exception of the module's tag `tag`; `values` has one Cell per parameter.
  void (*throw_new)(Instance*, uint32_t tag, const Cell* values);
  /// Throws an exception again: for `rethrow`, and where no clause of a landing pad catches.
  void (*throw_again)(Instance*, Exception*);
  /// For targets without an instruction for it. No instance, no trap.
  float (*ceil32)(float);
  float (*floor32)(float);
  float (*trunc32)(float);
  float (*nearest32)(float);
  double (*ceil64)(double);
  double (*floor64)(double);
  double (*trunc64)(double);
  double (*nearest64)(double);
};
static_assert(sizeof(Helpers) == 23 * sizeof(void*));

/// What an unwinder needs of the machine: the registers that a callee preserves. Offsets are known to the assembly in
/// runtime/native_entry.S.
struct MachineState {
  uint64_t pc;
  uint64_t sp;
#if defined(__aarch64__)
  uint64_t x19_to_x30[12];
  uint64_t d8_to_d15[8];
#else
  uint64_t rbx;
  uint64_t rbp;
  uint64_t r12;
  uint64_t r13;
  uint64_t r14;
  uint64_t r15;
#endif
};

/// A stretch of compiled code's frames on the native stack: from where it was entered to where it was left for the
/// runtime. On the native stack of who entered it.
struct NativeSegment {
  MachineState at;                 ///< where it was left last; written by the entries of `Helpers` and by a fault
  MachineState entered;            ///< where it goes on when the segment is left without returning
  NativeSegment* outer = nullptr;  ///< of the same thread
  Frame* frame = nullptr;          ///< the interpreter's frame for the call that entered it
  uint64_t is_fault = 0;           ///< `at.pc` is an instruction that did not finish, not a return address
};

}  // namespace tenon::abi
