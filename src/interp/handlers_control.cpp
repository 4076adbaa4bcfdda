// Handlers of calls, returns, branches, moves between slots, and the stubs that functions start with.
#include <cstring>

#include "interp/handlers.h"
#include "interp/interp.h"
#include "interp/native.h"
#include "interp/operands.h"
#include "interp/translation.h"
#include "interp/unwind.h"
#include "runtime/host.h"
#include "runtime/linked_module.h"
#include "runtime/thread.h"

namespace tenon::interp {

namespace {

using runtime::LinkedModule;
using runtime::Thread;
using runtime::TrapKind;

/// Cells that stay free between the values and the frames: for the next frame and for a host function's window.
constexpr unsigned kStackSlack = 64;

[[nodiscard]] inline Thread& thread_of(const Instance* instance) {
  return Thread::of(*instance->thread);
}

template <class T>
[[nodiscard]] inline T& at(Instance* instance, uint32_t offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<uint8_t*>(instance) + offset);
}

// For handlers with variables on the native stack: the address sanitizer cannot lay that out in this convention.
#define TENON_WITH_LOCALS no_sanitize("address")

/// Thread::raise, for handlers: text needs a frame, and a handler has none.
__attribute__((cold, noinline)) void report(Thread& thread, TrapKind kind, const char* message) {
  thread.raise(kind, message);
}

/// From a on, b slots.
TENON_HANDLER zero_locals(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  Cell* first = values + o.a;
  Cell* const end = first + o.b;
  do {
    (first++)->u64 = 0;
  } while (first != end);
  TENON_NEXT(2);
}

template <Way kWay>
TENON_HANDLER jump(TENON_HANDLER_PARAMETERS) {
  TENON_BRANCH(kWay, word<int64_t>(pc, 1));
}

template <Source kCondition, bool kTaken, Way kWay>
TENON_HANDLER branch_if(TENON_HANDLER_PARAMETERS) {
  const auto condition = operand<uint32_t, kCondition>(pc, values, operands(pc).a, i, d, f);
  if ((condition != 0) == kTaken) {
    TENON_BRANCH(kWay, word<int64_t>(pc, 2));
  }
  TENON_NEXT(3);
}

/// offset: number of labels; the distances follow, the default's last.
template <Source kIndex>
TENON_HANDLER branch_table(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const auto index = operand<uint32_t, kIndex>(pc, values, o.a, i, d, f);
  const uint32_t chosen = index < o.offset ? index : o.offset;
  TENON_BRANCH(Way::back, word<int64_t>(pc, 2 + chosen));
}

#define TENON_RETURN()                                                     \
  do {                                                                     \
    pc = frame->return_to;                                                 \
    values = frame->caller_values;                                         \
    instance = frame->caller_instance;                                     \
    ++frame;                                                               \
    memory = instance->memory_base;                                        \
    __attribute__((musttail)) return pc->handler(TENON_HANDLER_ARGUMENTS); \
  } while (false)

TENON_HANDLER return_none(TENON_HANDLER_PARAMETERS) {
  TENON_RETURN();
}

/// The result is left in the accumulator as well, where the caller uses it.
template <class T, Source kValue>
TENON_HANDLER return_one(TENON_HANDLER_PARAMETERS) {
  T result;
  if constexpr (kValue == Source::immediate) {
    result = word<T>(pc, 2);
  } else {
    result = operand<T, kValue>(pc, values, operands(pc).a, i, d, f);
  }
  set_slot<T>(values, 0, result);
  if constexpr (std::is_same_v<T, float>) {
    f = result;
  } else if constexpr (std::is_same_v<T, double>) {
    d = result;
  } else {
    i = result;
  }
  TENON_RETURN();
}

/// Goes on in `callee`, whose frame is in place.
// sandbox: values and frames grow towards each other; everything the callee writes lies below its slots.
#define TENON_ENTER(callee)                                                                                       \
  do {                                                                                                            \
    const Code* const tenon_callee = (callee);                                                                    \
    pc = tenon_callee->entry.load(std::memory_order_acquire);                                                     \
    i = reinterpret_cast<uint64_t>(tenon_callee);                                                                 \
    if (reinterpret_cast<uintptr_t>(values + tenon_callee->slots.load(std::memory_order_relaxed) + kStackSlack) > \
        reinterpret_cast<uintptr_t>(frame)) [[unlikely]] {                                                        \
      TENON_TRAP(TrapKind::call_stack_exhausted);                                                                 \
    }                                                                                                             \
    __attribute__((musttail)) return pc->handler(TENON_HANDLER_ARGUMENTS);                                        \
  } while (false)

inline void push_frame(Frame*& frame, const Instruction* return_to, Cell* values, Instance* instance,
                       const Code* code) {
  --frame;
  frame->return_to = return_to;
  frame->caller_values = values;
  frame->caller_instance = instance;
  frame->code = code;
}

/// target: where the arguments start. Third word: the Code.
TENON_HANDLER call(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Code* const code = word<const Code*>(pc, 2);
  push_frame(frame, pc + 3, values, instance, code);
  values += operands(pc).target;
  TENON_ENTER(code);
}

/// offset: the import slot's place in the instance. The callee's memory 0 is the caller's: see abi::ImportSlot.
TENON_HANDLER call_import(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Operands& o = operands(pc);
  const abi::ImportSlot& slot = at<abi::ImportSlot>(instance, o.offset);
  const Code* const code = slot.code;
  push_frame(frame, pc + 2, values, instance, code);
  values += o.target;
  instance = slot.instance;
  TENON_ENTER(code);
}

/// What a table element must be to be called; the trap's kind otherwise.
[[nodiscard]] inline int check_element(const abi::Table* table, uint32_t index, const wasm::FunctionType* type,
                                       const abi::FunctionDescriptor*& callee) {
  // sandbox: bounds, null and type, in this order (specification 4.4.8, call_indirect).
  if (index >= table->size.load(std::memory_order_acquire)) [[unlikely]] {
    return static_cast<int>(TrapKind::undefined_element);
  }
  callee = reinterpret_cast<const abi::FunctionDescriptor*>(
      std::atomic_ref(table->elements[index].bits).load(std::memory_order_acquire));
  if (callee == nullptr) [[unlikely]] {
    return static_cast<int>(TrapKind::uninitialized_element);
  }
  if (callee->type != type) [[unlikely]] {
    return static_cast<int>(TrapKind::indirect_call_type_mismatch);
  }
  return -1;
}

[[nodiscard]] inline Instance* instance_of(Instance* instance, const abi::FunctionDescriptor* callee) {
  return callee->dso == instance->dso ? instance : instance->thread->instances[callee->dso];
}

/// The calling thread has no instance of the callee's DSO yet: makes it, then runs the same instruction again.
__attribute__((preserve_none, cold, noinline)) void make_instance(TENON_HANDLER_PARAMETERS) {
  const auto* const callee = reinterpret_cast<const abi::FunctionDescriptor*>(i);
  Thread& thread = thread_of(instance);
  thread.values = values + operands(pc).target + abi::cells_of(callee->type->parameters) + 1;
  // Guest code may run meanwhile, and close libraries: a frame says that this one is in use.
  Frame* inner = frame;
  push_frame(inner, pc + 1, values, instance, frame->code);
  thread.frames = inner;
  thread.position = pc;
  if (LinkedModule::of(*instance).instance_of(thread, callee->dso) == nullptr) {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  i = slot<uint32_t>(values, operands(pc).a);  // where an instruction that has its index there expects it
  __attribute__((musttail)) return pc->handler(TENON_HANDLER_ARGUMENTS);
}

__attribute__((cold, noinline)) void report_element(Thread& thread, const Instance* instance, uint64_t kind_and_index,
                                                    const abi::Table& table) {
  const auto kind = static_cast<TrapKind>(static_cast<uint32_t>(kind_and_index));
  thread.raise(kind, kind == TrapKind::uninitialized_element
                         ? LinkedModule::of(*instance).describe_null_element(table, kind_and_index >> 32)
                         : std::string());
}

/// An indirect call through an element that cannot be called. `i`: the trap's kind, and the index in its upper half;
/// `memory`: the table.
__attribute__((preserve_none, cold, noinline)) void raise_element_trap(TENON_HANDLER_PARAMETERS) {
  report_element(thread_of(instance), instance, i, *reinterpret_cast<const abi::Table*>(memory));
  __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
}

#define TENON_ELEMENT_TRAP(kind, element, table)                                  \
  do {                                                                            \
    i = static_cast<uint32_t>(kind) | (uint64_t{element} << 32);                  \
    memory = reinterpret_cast<uint8_t*>(const_cast<abi::Table*>(table));          \
    __attribute__((musttail)) return raise_element_trap(TENON_HANDLER_ARGUMENTS); \
  } while (false)

/// a: the index's slot; offset: the table's place in the instance. Third word: the type. Fourth: where the arguments
/// start.
TENON_HANDLER call_indirect(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Operands& o = operands(pc);
  const abi::FunctionDescriptor* callee = nullptr;
  const int trap = check_element(at<const abi::Table*>(instance, o.offset), slot<uint32_t>(values, o.a),
                                 word<const wasm::FunctionType*>(pc, 2), callee);
  if (trap >= 0) [[unlikely]] {
    TENON_ELEMENT_TRAP(trap, slot<uint32_t>(values, o.a), at<const abi::Table*>(instance, o.offset));
  }
  Instance* const target = instance_of(instance, callee);
  if (target == nullptr) [[unlikely]] {
    i = reinterpret_cast<uint64_t>(callee);
    __attribute__((musttail)) return make_instance(TENON_HANDLER_ARGUMENTS);
  }
  push_frame(frame, pc + 3, values, instance, callee->code);
  values += o.target;
  instance = target;
  memory = instance->memory_base;
  TENON_ENTER(callee->code);
}

/// The same with the index in the accumulator; it is lost when the instruction runs again, so it goes to slot `a`
/// first.
TENON_HANDLER call_indirect_accumulator(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Operands& o = operands(pc);
  const auto index = static_cast<uint32_t>(i);
  const abi::FunctionDescriptor* callee = nullptr;
  const int trap =
      check_element(at<const abi::Table*>(instance, o.offset), index, word<const wasm::FunctionType*>(pc, 2), callee);
  if (trap >= 0) [[unlikely]] {
    TENON_ELEMENT_TRAP(trap, index, at<const abi::Table*>(instance, o.offset));
  }
  Instance* const target = instance_of(instance, callee);
  if (target == nullptr) [[unlikely]] {
    set_slot<uint32_t>(values, o.a, index);
    __attribute__((musttail)) return call_indirect(TENON_HANDLER_ARGUMENTS);
  }
  push_frame(frame, pc + 3, values, instance, callee->code);
  values += o.target;
  instance = target;
  memory = instance->memory_base;
  TENON_ENTER(callee->code);
}

/// target: first argument, a: how many; they move to the frame's start, and the frame is the callee's from here on.
inline void reuse_frame(const Operands& o, Cell* values, Frame* frame, const Code* code) {
  std::memmove(values, values + o.target, o.a * sizeof(Cell));
  frame->code = code;
}

TENON_HANDLER tail_call(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Code* const code = word<const Code*>(pc, 2);
  reuse_frame(operands(pc), values, frame, code);
  TENON_ENTER(code);
}

/// Third word: the import slot's place.
TENON_HANDLER tail_call_import(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const abi::ImportSlot& slot = at<abi::ImportSlot>(instance, word<uint32_t>(pc, 2));
  const Code* const code = slot.code;
  reuse_frame(operands(pc), values, frame, code);
  instance = slot.instance;
  TENON_ENTER(code);
}

/// The index is in the slot behind the arguments. Third word: the type. Fourth: the table's place.
TENON_HANDLER tail_call_indirect(TENON_HANDLER_PARAMETERS) {
  TENON_POLL();
  const Operands& o = operands(pc);
  const abi::FunctionDescriptor* callee = nullptr;
  const int trap =
      check_element(at<const abi::Table*>(instance, word<uint32_t>(pc, 3)), slot<uint32_t>(values, o.target + o.a),
                    word<const wasm::FunctionType*>(pc, 2), callee);
  if (trap >= 0) [[unlikely]] {
    TENON_ELEMENT_TRAP(trap, slot<uint32_t>(values, o.target + o.a),
                       at<const abi::Table*>(instance, word<uint32_t>(pc, 3)));
  }
  Instance* const target = instance_of(instance, callee);
  if (target == nullptr) [[unlikely]] {
    i = reinterpret_cast<uint64_t>(callee);
    __attribute__((musttail)) return make_instance(TENON_HANDLER_ARGUMENTS);
  }
  reuse_frame(o, values, frame, callee->code);
  instance = target;
  memory = instance->memory_base;
  TENON_ENTER(callee->code);
}

TENON_HANDLER copy64(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].u64 = values[o.a].u64;
  TENON_NEXT(2);
}

TENON_HANDLER copy32(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].f32 = values[o.a].f32;
  TENON_NEXT(2);
}

/// target <- a, then b <- c.
TENON_HANDLER copy64_pair(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].u64 = values[o.a].u64;
  values[o.b].u64 = values[o.c].u64;
  TENON_NEXT(2);
}

template <Way kWay>
TENON_HANDLER copy64_jump(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].u64 = values[o.a].u64;
  TENON_BRANCH(kWay, word<int64_t>(pc, 2));
}

template <class T>
TENON_HANDLER store_accumulator(TENON_HANDLER_PARAMETERS) {
  set_slot<T>(values, operands(pc).target, accumulator<T>(i, d, f));
  TENON_NEXT(2);
}

TENON_HANDLER constant32(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].i64 = o.immediate;
  TENON_NEXT(2);
}

TENON_HANDLER constant_pair(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  values[o.target].i64 = static_cast<int16_t>(o.b);
  values[o.a].i64 = static_cast<int16_t>(o.c);
  TENON_NEXT(2);
}

TENON_HANDLER constant64(TENON_HANDLER_PARAMETERS) {
  values[operands(pc).target].u64 = word<uint64_t>(pc, 2);
  TENON_NEXT(3);
}

template <class T, Source kCondition, Source A, Source B, Target D>
TENON_HANDLER select(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const bool first = operand<uint32_t, kCondition>(pc, values, o.c, i, d, f) != 0;
  if constexpr (std::is_floating_point_v<T>) {
    put<T, D>(pc, values, slot<T>(values, first ? o.a : o.b), i, d, f);
  } else {
    put<T, D>(pc, values, choose<A, B>(o, values, first), i, d, f);
  }
  TENON_NEXT(2);
}

TENON_HANDLER trap(TENON_HANDLER_PARAMETERS) {
  TENON_TRAP(operands(pc).a);
}

/// The guest's stack pointer is about to become the value in slot a.
TENON_HANDLER check_stack(TENON_HANDLER_PARAMETERS) {
  const auto pointer = slot<uint32_t>(values, operands(pc).a);
  if (pointer < instance->thread->stack_low) [[unlikely]] {
    report_stack_overrun(thread_of(instance), pointer);
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  TENON_NEXT(2);
}

/// An exception is pending in the thread: goes on at its handler, or leaves this invocation with it. `pc`: the
/// instruction that threw.
__attribute__((preserve_none, cold, noinline, TENON_WITH_LOCALS)) void dispatch_exception(TENON_HANDLER_PARAMETERS) {
  Thread& thread = thread_of(instance);
  const Landing landing = unwind(thread, pc, values, instance, frame);
  if (landing.pc == nullptr) {
    return;
  }
  pc = landing.pc;
  values = landing.values;
  instance = landing.instance;
  frame = landing.frame;
  memory = instance->memory_base;
  __attribute__((musttail)) return pc->handler(TENON_HANDLER_ARGUMENTS);
}

/// a: first value; b: tag; target: how many values.
TENON_HANDLER throw_(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  Thread& thread = thread_of(instance);
  abi::Exception* const thrown =
      make_exception(thread, LinkedModule::of(*instance).tag(o.b), o.target, values + o.a + o.target, frame);
  if (thrown == nullptr) [[unlikely]] {
    report(thread, TrapKind::host, "out of memory for an exception");
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  std::memcpy(thrown->values(), values + o.a, o.target * sizeof(Cell));
  thread.exception = thrown;
  thread.pending = abi::Pending::exception;
  __attribute__((musttail)) return dispatch_exception(TENON_HANDLER_ARGUMENTS);
}

/// a: the slot of the clause's exception.
TENON_HANDLER rethrow(TENON_HANDLER_PARAMETERS) {
  Thread& thread = thread_of(instance);
  thread.exception = static_cast<abi::Exception*>(values[operands(pc).a].pointer);
  thread.pending = abi::Pending::exception;
  __attribute__((musttail)) return dispatch_exception(TENON_HANDLER_ARGUMENTS);
}

/// offset: function index.
TENON_HANDLER reference_function(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const abi::FunctionDescriptor* const descriptor = LinkedModule::of(*instance).descriptor(*instance->thread, o.offset);
  if (descriptor == nullptr) [[unlikely]] {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  values[o.target].function = descriptor;
  TENON_NEXT(2);
}

// The stubs. They are entered with the Code in `i` and its frame pushed.

TENON_HANDLER exit_stub(TENON_HANDLER_PARAMETERS) {
  (void)pc, (void)values, (void)memory, (void)instance, (void)frame, (void)i, (void)d, (void)f;
}

TENON_HANDLER translate_stub(TENON_HANDLER_PARAMETERS) {
  const auto* const code = reinterpret_cast<const Code*>(i);
  if (!ensure_translated(thread_of(instance), *code)) [[unlikely]] {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  TENON_ENTER(code);
}

TENON_HANDLER bind_stub(TENON_HANDLER_PARAMETERS) {
  const auto* const code = reinterpret_cast<const Code*>(i);
  Thread& thread = thread_of(instance);
  thread.values = values + code->window;
  // As in make_instance: after a tail call, no other frame is the importer's.
  Frame* inner = frame;
  push_frame(inner, pc, values, instance, code);
  thread.frames = inner;
  const abi::FunctionDescriptor* const target = LinkedModule::of(*instance).bind(thread, *instance, code->function);
  if (target == nullptr) [[unlikely]] {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  frame->code = target->code;
  instance = thread.instances[target->dso];
  memory = instance->memory_base;
  TENON_ENTER(target->code);
}

/// A call of code that is not the interpreter's ended with something pending. `instance`: the caller's.
__attribute__((preserve_none, cold, noinline)) void leave_call(TENON_HANDLER_PARAMETERS) {
  if (thread_of(instance).pending == abi::Pending::exception) {
    // Thrown by guest code inside: goes on from the call.
    if (frame->return_to == exit_instruction()) {
      return;
    }
    pc = frame->return_to - 1;
    values = frame->caller_values;
    ++frame;
    __attribute__((musttail)) return dispatch_exception(TENON_HANDLER_ARGUMENTS);
  }
  __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
}

__attribute__((TENON_WITH_LOCALS)) TENON_HANDLER host_stub(TENON_HANDLER_PARAMETERS) {
  const auto& code = *static_cast<const runtime::HostCode*>(reinterpret_cast<const Code*>(i));
  instance = frame->caller_instance;
  Thread& thread = thread_of(instance);
  thread.values = values + code.window;
  thread.frames = frame;
  // sandbox: a host function may count on the native stack that the thread's limit leaves it, and the value stack on
  // room for its window.
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < thread.native_stack_limit ||
      reinterpret_cast<uintptr_t>(values + code.window + kStackSlack) > reinterpret_cast<uintptr_t>(frame))
      [[unlikely]] {
    TENON_TRAP(TrapKind::call_stack_exhausted);
  }
  runtime::HostCall host_call(thread, instance->memory, values);
  if (!runtime::call_host(thread, code, host_call)) [[unlikely]] {
    __attribute__((musttail)) return leave_call(TENON_HANDLER_ARGUMENTS);
  }
  i = values[0].u64;
  d = values[0].f64;
  f = values[0].f32;
  TENON_RETURN();
}

/// A compiled function: the same as a host function's, but that its own instance is the callee's.
__attribute__((TENON_WITH_LOCALS)) TENON_HANDLER native_stub(TENON_HANDLER_PARAMETERS) {
  const Code& code = *reinterpret_cast<const Code*>(i);
  Thread& thread = thread_of(instance);
  if (frame == thread.tail_frame) {
    // Compiled code called what tail calls this: it goes on there, without this interpreter in between.
    thread.tail_call = {&code, instance};
    return;
  }
  thread.values = values + code.window;
  thread.frames = frame;
  thread.position = nullptr;
  Instance* const callee = instance;
  instance = frame->caller_instance;
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < thread.native_stack_limit ||
      reinterpret_cast<uintptr_t>(values + code.window + kStackSlack) > reinterpret_cast<uintptr_t>(frame))
      [[unlikely]] {
    TENON_TRAP(TrapKind::call_stack_exhausted);
  }
  if (!call_native(thread, code, values, callee, frame)) [[unlikely]] {
    __attribute__((musttail)) return leave_call(TENON_HANDLER_ARGUMENTS);
  }
  i = values[0].u64;
  d = values[0].f64;
  f = values[0].f32;
  TENON_RETURN();
}

constexpr Instruction kExit{&exit_stub};
constexpr Instruction kTranslate{&translate_stub};
constexpr Instruction kBind{&bind_stub};
constexpr Instruction kHost{&host_stub};
constexpr Instruction kNative{&native_stub};

template <class T, Source C, Source A, Source B>
constexpr Family kSelect = {
    {&select<T, C, A, B, Target::accumulator>, &select<T, C, A, B, Target::slot>, &select<T, C, A, B, Target::both>}};

/// By what is chosen from: two slots, slot and constant, constant and slot, two constants.
template <Source C>
constexpr std::array<const Family*, 4> kSelectInteger = {&kSelect<uint64_t, C, Source::slot, Source::slot>,
                                                         &kSelect<uint64_t, C, Source::slot, Source::immediate>,
                                                         &kSelect<uint64_t, C, Source::immediate, Source::slot>,
                                                         &kSelect<uint64_t, C, Source::immediate, Source::immediate>};

template <class T>
constexpr void fill_return(Handler (&row)[3]) {
  row[0] = &return_one<T, Source::slot>;
  row[1] = &return_one<T, Source::accumulator>;
  row[2] = &return_one<T, Source::immediate>;
}

template <Way kWay>
constexpr void fill_branches(ControlHandlers::Branches& branches) {
  branches.jump = &jump<kWay>;
  branches.copy64_jump = &copy64_jump<kWay>;
  branches.branch_if[0] = &branch_if<Source::slot, true, kWay>;
  branches.branch_if[1] = &branch_if<Source::accumulator, true, kWay>;
  branches.branch_unless[0] = &branch_if<Source::slot, false, kWay>;
  branches.branch_unless[1] = &branch_if<Source::accumulator, false, kWay>;
}

constexpr ControlHandlers kControl = [] {
  ControlHandlers h{};
  h.zero_locals = &zero_locals;
  fill_branches<Way::forward>(h.branches[static_cast<int>(Way::forward)]);
  fill_branches<Way::back>(h.branches[static_cast<int>(Way::back)]);
  h.branch_table[0] = &branch_table<Source::slot>;
  h.branch_table[1] = &branch_table<Source::accumulator>;
  h.return_none = &return_none;
  fill_return<uint64_t>(h.return_one[static_cast<int>(Bank::integer)]);
  fill_return<float>(h.return_one[static_cast<int>(Bank::f32)]);
  fill_return<double>(h.return_one[static_cast<int>(Bank::f64)]);
  h.call = &call;
  h.call_import = &call_import;
  h.call_indirect[0] = &call_indirect;
  h.call_indirect[1] = &call_indirect_accumulator;
  h.tail_call = &tail_call;
  h.tail_call_import = &tail_call_import;
  h.tail_call_indirect = &tail_call_indirect;
  h.copy64 = &copy64;
  h.copy32 = &copy32;
  h.copy64_pair = &copy64_pair;
  h.store_accumulator[static_cast<int>(Bank::integer)] = &store_accumulator<uint64_t>;
  h.store_accumulator[static_cast<int>(Bank::f32)] = &store_accumulator<float>;
  h.store_accumulator[static_cast<int>(Bank::f64)] = &store_accumulator<double>;
  h.constant32 = &constant32;
  h.constant_pair = &constant_pair;
  h.constant64 = &constant64;
  h.trap = &trap;
  h.throw_ = &throw_;
  h.rethrow = &rethrow;
  h.reference_function = &reference_function;
  h.check_stack = &check_stack;
  return h;
}();

}  // namespace

void leave(TENON_HANDLER_PARAMETERS) {
  (void)values, (void)memory, (void)i, (void)d, (void)f;
  Thread& thread = thread_of(instance);
  thread.position = pc;
  thread.frames = frame;
  if (thread.pending == abi::Pending::trap && thread.trap.backtrace.empty()) {
    record_backtrace(thread, pc, frame);
  }
}

__attribute__((cold, noinline)) void report_stack_overrun(Thread& thread, uint32_t pointer) {
  thread.raise(
      TrapKind::call_stack_exhausted,
      fmt::format("the guest's stack ran {} bytes over its lower end at address {}; give it more with --stack-size",
                  thread.stack_low - pointer, thread.stack_low));
}

void poll_and_go_on(TENON_HANDLER_PARAMETERS) {
  store_state(pc, values, instance, frame);
  if (!runtime::poll(thread_of(instance))) {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  __attribute__((musttail)) return pc->handler(TENON_HANDLER_ARGUMENTS);
}

void raise_trap(TENON_HANDLER_PARAMETERS) {
  report(thread_of(instance), static_cast<TrapKind>(i), "");
  __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
}

const ControlHandlers& control_handlers() {
  return kControl;
}

const Family* select_family(Bank bank, Source condition, Source a, Source b) {
  using enum Source;
  const bool in_slot = condition == slot;
  const size_t choice = (a == immediate ? 2U : 0U) + (b == immediate ? 1U : 0U);
  switch (bank) {
    case Bank::f32:
      return in_slot ? &kSelect<float, slot, slot, slot> : &kSelect<float, accumulator, slot, slot>;
    case Bank::f64:
      return in_slot ? &kSelect<double, slot, slot, slot> : &kSelect<double, accumulator, slot, slot>;
    default:
      return in_slot ? kSelectInteger<slot>[choice] : kSelectInteger<accumulator>[choice];
  }
}

const Instruction* exit_instruction() {
  return &kExit;
}
const Instruction* host_entry() {
  return &kHost;
}
runtime::EntryStubs stub_instructions() {
  return {&kTranslate, &kBind, &kNative};
}

}  // namespace tenon::interp
