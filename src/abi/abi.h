// What generated code (the interpreter's and, later, the compiler's) and the runtime share: plain structs at fixed
// offsets, and nothing else. Whoever changes a struct here changes the ABI version.
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

#include "wasm/types.h"

namespace tenon::abi {

struct Code;
struct FunctionDescriptor;
struct Instance;
struct Thread;
struct Exception;

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
  uint16_t slots = 0;     ///< of a frame of the translation; written before `entry` is
};
static_assert(offsetof(Code, entry) == 0);

/// A function as a value: what a table element or a funcref points to. Immutable once published; lives until its DSO
/// has been unloaded and nothing can hold it.
struct FunctionDescriptor {
  const void* native = nullptr;              ///< entry for compiled callers (none yet: null)
  const Code* code = nullptr;                ///< entry for interpreted callers
  const wasm::FunctionType* type = nullptr;  ///< interned: equal types, equal pointers
  uint32_t dso = 0;                          ///< index into Thread::instances
  uint32_t function = 0;                     ///< index in its module
};
static_assert(offsetof(FunctionDescriptor, native) == 0);
static_assert(offsetof(FunctionDescriptor, code) == 8);
static_assert(offsetof(FunctionDescriptor, type) == 16);
static_assert(offsetof(FunctionDescriptor, dso) == 24);

/// What a call through a function import reads; lives in the importing instance. Binding patches it: per thread, so no
/// lock. Compiled callers read the first pair, interpreted ones the second. Before it is bound, `code` is the binder's
/// and `instance` the importer itself. Memory 0 of a bound slot's instance is the importer's, or it has none and is
/// never looked at: so a call does not change the memory's base. Slots of callees with another memory stay the
/// binder's.
struct ImportSlot {
  const void* native = nullptr;
  Instance* instance = nullptr;
  const Code* code = nullptr;
};
static_assert(sizeof(ImportSlot) == 24);
static_assert(offsetof(ImportSlot, native) == 0);
static_assert(offsetof(ImportSlot, instance) == 8);
static_assert(offsetof(ImportSlot, code) == 16);

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

/// One DSO in one thread. Behind the struct follow, at offsets that the module alone decides (runtime::InstanceLayout):
/// one Cell per global (own value; GOT cell or base made by the linker; or a pointer to the exporter's Cell), one
/// ImportSlot per imported function, one Table* per table, one dropped flag per segment.
struct Instance {
  uint8_t* memory_base = nullptr;  ///< of memory 0; null without one
  Memory* memory = nullptr;        ///< memory 0
  Thread* thread = nullptr;
  void* program_dso = nullptr;  ///< the link::Dso
  uint32_t dso = 0;             ///< index into Thread::instances
  uint32_t flags = 0;
};
static_assert(sizeof(Instance) == 40);
static_assert(offsetof(Instance, memory_base) == 0);
static_assert(offsetof(Instance, memory) == 8);
static_assert(offsetof(Instance, thread) == 16);
static_assert(offsetof(Instance, dso) == 32);

/// A call in progress of interpreted code: what to go back to. Frames grow down from the end of the thread's stack,
/// values grow up from its start, so that one comparison guards both.
struct Frame {
  const Instruction* return_to;
  Cell* caller_values;
  Instance* caller_instance;
  const Code* code;  ///< the callee: whose frame this is
};
static_assert(sizeof(Frame) == 32);

/// A WebAssembly exception, in flight or caught. One Cell per value of the tag's parameters follows the struct.
struct Exception {
  const void* tag = nullptr;  ///< identity: the runtime::Tag
  uint32_t count = 0;
  uint32_t marked = 0;  ///< found alive by the sweep under way

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

}  // namespace tenon::abi
