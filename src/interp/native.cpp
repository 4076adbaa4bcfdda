#include "interp/native.h"

#include <algorithm>
#include <cstring>

#include "interp/bulk.h"
#include "interp/interp.h"
#include "interp/operations.h"
#include "interp/translation.h"
#include "interp/unwind.h"
#include "runtime/host.h"
#include "runtime/linked_module.h"
#include "runtime/wait.h"

namespace tenon::interp {

namespace {

using runtime::Executable;
using runtime::LinkedModule;
using runtime::NativeCall;
using runtime::Thread;
using runtime::TrapKind;
using wasm::ValueType;

bool is_float(ValueType type) {
  return type == ValueType::f32 || type == ValueType::f64;
}

/// Goes through the places of a signature's arguments, in order: `integer`, `floating` and `overflow` are called with
/// the number of the place among its kind and the argument's cell; `overflow` with each cell of a v128.
template <class Integer, class Floating, class Overflow>
void place_arguments(const wasm::FunctionType& type, Integer integer, Floating floating, Overflow overflow) {
  unsigned integers = 0;
  unsigned floats = 0;
  unsigned others = 0;
  size_t i = 0;
  for (const ValueType parameter : type.parameters) {
    if (parameter == ValueType::v128) {
      overflow(others++, i++);
      overflow(others++, i);
    } else if (is_float(parameter)) {
      floats < abi::kFloatArguments ? floating(floats++, i) : overflow(others++, i);
    } else {
      integers < abi::kIntegerArguments ? integer(integers++, i) : overflow(others++, i);
    }
    ++i;
  }
}

/// Of a call's NativeCall and the thread's overflow cells.
void load_arguments(const wasm::FunctionType& type, const Cell* cells, NativeCall& call, Cell* overflow) {
  place_arguments(
      type, [&](unsigned place, size_t i) { call.integers[place] = cells[i].bits; },
      [&](unsigned place, size_t i) { std::memcpy(&call.floats[place], &cells[i], sizeof(Cell)); },
      [&](unsigned place, size_t i) { overflow[place] = cells[i]; });
}

void store_arguments(const wasm::FunctionType& type, const NativeCall& call, const Cell* overflow, Cell* cells) {
  place_arguments(
      type, [&](unsigned place, size_t i) { cells[i].bits = call.integers[place]; },
      [&](unsigned place, size_t i) { std::memcpy(&cells[i], &call.floats[place], sizeof(Cell)); },
      [&](unsigned place, size_t i) { cells[i] = overflow[place]; });
}

void load_results(const wasm::FunctionType& type, const Cell* cells, NativeCall& call, Cell* overflow) {
  if (type.results.empty()) {
    return;
  }
  const uint32_t count = abi::cells_of(type.results);
  if (type.results.front() == ValueType::v128) {
    std::copy_n(cells, count, overflow);
    return;
  }
  if (is_float(type.results.front())) {
    std::memcpy(&call.float_result, cells, sizeof(Cell));
  } else {
    call.integer_result = cells[0].bits;
  }
  std::copy_n(cells + 1, count - 1, overflow);
}

void store_results(const wasm::FunctionType& type, const NativeCall& call, const Cell* overflow, Cell* cells) {
  if (type.results.empty()) {
    return;
  }
  const uint32_t count = abi::cells_of(type.results);
  if (type.results.front() == ValueType::v128) {
    std::copy_n(overflow, count, cells);
    return;
  }
  if (is_float(type.results.front())) {
    std::memcpy(cells, &call.float_result, sizeof(Cell));
  } else {
    cells[0].bits = call.integer_result;
  }
  std::copy_n(overflow, count - 1, cells + 1);
}

/// The code that a slot or a descriptor leads to.
const Code& code_behind(const void* slot) {
  return **reinterpret_cast<const Code* const*>(static_cast<const uint8_t*>(slot) + offsetof(abi::ImportSlot, code));
}

/// Leaves compiled code with what is pending, after its backtrace was recorded and the thread's state set to what it
/// was while that code ran.
[[noreturn]] void give_up(Thread& thread) {
  if (thread.pending == abi::Pending::exception) {
    runtime::throw_native(thread);
  }
  runtime::leave_native(thread);
}

/// The same for helpers, which leave the thread's state alone.
[[noreturn]] void fail_helper(Thread& thread) {
  if (thread.pending == abi::Pending::trap && thread.trap.backtrace.empty()) {
    runtime::record_backtrace(thread);
  }
  give_up(thread);
}

[[noreturn]] void trap_helper(Instance* instance, int kind) {
  Thread& thread = Thread::of(*instance->thread);
  thread.raise(static_cast<TrapKind>(kind));
  fail_helper(thread);
}

/// The instance whose compiled code made the call that the innermost segment was left for.
Instance* calling_instance(Thread& thread) {
  const runtime::NativeWalk walk(*thread.native);
  if (!walk.at_end()) {
    const LinkedModule& any = LinkedModule::of(*thread.instances[0]);
    if (Instance* const instance = any.running_instance(thread, *walk.frame().code->owner)) {
      return instance;
    }
  }
  return thread.instances[0];
}

/// While one of these lives, the thread's interpreter state is that of a call out of compiled code, one frame further
/// in.
class InnerFrame {
 public:
  InnerFrame(Thread& thread, size_t window, Instance* instance, const Code& code)
      : thread_(thread), values_(thread.values), frames_(thread.frames) {
    constexpr size_t kSlack = 128;
    Frame* const frame = frames_ - 1;
    fits_ = reinterpret_cast<uintptr_t>(values_ + window + kSlack) <= reinterpret_cast<uintptr_t>(frame);
    if (fits_) {
      *frame = Frame{exit_instruction(), values_, instance, &code};
      thread.frames = frame;
      thread.values = values_ + window;
      thread.position = nullptr;
    } else {
      thread.raise(TrapKind::call_stack_exhausted);
    }
  }
  ~InnerFrame() {
    if (thread_.pending == abi::Pending::trap && thread_.trap.backtrace.empty()) {
      runtime::record_backtrace(thread_);
    }
    thread_.values = values_;
    thread_.frames = frames_;
  }
  InnerFrame(const InnerFrame&) = delete;
  InnerFrame& operator=(const InnerFrame&) = delete;

  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] Cell* values() const { return values_; }

 private:
  Thread& thread_;
  Cell* values_;
  Frame* frames_;
  bool fits_;
};

bool call_host(Thread& thread, NativeCall& call, const runtime::HostCode& code) {
  Instance* const caller = call.instance->dso != 0 ? call.instance : calling_instance(thread);
  const InnerFrame frame(thread, code.window, caller, code);
  if (!frame.fits()) {
    return false;
  }
  store_arguments(*code.type, call, thread.overflow, frame.values());
  runtime::HostCall host_call(thread, caller->memory, frame.values());
  if (!runtime::call_host(thread, code, host_call)) {
    return false;
  }
  load_results(*code.type, frame.values(), call, thread.overflow);
  return true;
}

/// Resolves the import that `call` goes through. The function, or null with something pending.
const abi::FunctionDescriptor* bind(Thread& thread, NativeCall& call, const Code& code) {
  // Binding may load a library and run its code: arguments that are not in registers are kept on the value stack.
  const wasm::FunctionType& type = Executable::of(code).module().function_type(code.function);
  const size_t kept = abi::cells_of(type.parameters);
  const InnerFrame frame(thread, kept, call.instance, code);
  if (!frame.fits()) {
    return nullptr;
  }
  store_arguments(type, call, thread.overflow, frame.values());
  const auto* const target = LinkedModule::of(*call.instance).bind(thread, *call.instance, code.function);
  load_arguments(type, frame.values(), call, thread.overflow);
  return target;
}

/// Does what the thread was asked while the interpreter ran `code`, whose results, or arguments of a tail call of it,
/// are at thread.values: compiled code does not look. False: a trap is pending.
bool poll_after(Thread& thread, Instance* instance, const Code& code) {
  const InnerFrame frame(thread, code.window, instance, code);
  return frame.fits() && runtime::poll(thread);
}

/// Null, with `call` holding the results or something pending, or what to jump to.
const void* call_interpreted(Thread& thread, NativeCall& call, const Code& code) {
  const wasm::FunctionType& type = Executable::of(code).module().function_type(code.function);
  Cell* const values = thread.values;
  constexpr size_t kSlack = 128;
  if (reinterpret_cast<uintptr_t>(values + code.window + kSlack) > reinterpret_cast<uintptr_t>(thread.frames)) {
    thread.raise(TrapKind::call_stack_exhausted);
    runtime::record_backtrace(thread);
    return nullptr;
  }
  store_arguments(type, call, thread.overflow, values);
  const auto result = invoke_from_native(thread, call.instance, code);
  if (thread.pending != abi::Pending::none) {
    return nullptr;
  }
  if (thread.interrupt.load(std::memory_order_relaxed) != 0 &&
      !(result.code == nullptr ? poll_after(thread, call.instance, code)
                               : poll_after(thread, result.instance, *result.code))) {
    return nullptr;
  }
  if (result.code == nullptr) {
    load_results(type, values, call, thread.overflow);
    return nullptr;
  }
  // A tail call back to compiled code: this stretch of it goes on there.
  const Executable& callee = Executable::of(*result.code);
  load_arguments(callee.module().function_type(result.code->function), values, call, thread.overflow);
  call.instance = result.instance;
  call.slot = nullptr;
  return callee.native()->entry(result.code->function);
}

const void* decide_call_out(NativeCall& call) {
  Thread& thread = Thread::of(*call.instance->thread);
  const Code* code = &code_behind(call.slot);
  const void* target = nullptr;
  if (code->owner != nullptr && code->entry.load(std::memory_order_acquire) == stub_instructions().bind) {
    const abi::FunctionDescriptor* const bound = bind(thread, call, *code);
    if (bound == nullptr) {
      give_up(thread);
    }
    call.slot = bound;
    code = bound->code;
    if (code->owner != nullptr) {
      call.instance = thread.instances[bound->dso];
    }
    if (bound->native != runtime::native_call_out()) {
      return bound->native;
    }
  }
  if (code->owner == nullptr) {
    if (!call_host(thread, call, static_cast<const runtime::HostCode&>(*code))) {
      give_up(thread);
    }
    return nullptr;
  }
  target = call_interpreted(thread, call, *code);
  if (target == nullptr && thread.pending != abi::Pending::none) {
    give_up(thread);
  }
  return target;
}

template <class T>
uint32_t wait_at(Instance* instance, uint64_t address, T expected, int64_t timeout) {
  Thread& thread = Thread::of(*instance->thread);
  if (address % sizeof(T) != 0) {
    trap_helper(instance, static_cast<int>(TrapKind::unaligned_atomic));
  }
  const uint64_t size = instance->memory->size.load(std::memory_order_acquire);
  if (sizeof(T) > size || address > size - sizeof(T)) {
    trap_helper(instance, static_cast<int>(TrapKind::memory_out_of_bounds));
  }
  if (!LinkedModule::of(*instance).memory(0).type().shared) {
    thread.raise(TrapKind::unshared_wait);
    fail_helper(thread);
  }
  const auto result =
      runtime::wait<T>(thread, reinterpret_cast<const T*>(instance->memory_base + address), expected, timeout);
  if (result == runtime::WaitResult::interrupted) {
    fail_helper(thread);
  }
  return static_cast<uint32_t>(result);
}

}  // namespace

bool call_native(Thread& thread, const Code& code, Cell* values, Instance* instance, Frame* frame) {
  const Executable& executable = Executable::of(code);
  const wasm::FunctionType& type = executable.module().function_type(code.function);
  NativeCall call;
  call.target = executable.native()->entry(code.function);
  call.instance = instance;
  load_arguments(type, values, call, thread.overflow);
  abi::NativeSegment segment{};
  segment.frame = frame;
  if (!runtime::enter_native(thread, call, segment)) {
    return false;
  }
  store_results(type, call, thread.overflow, values);
  return true;
}

// What compiled code calls, behind the entries of runtime/native_entry.S. None of them has anything to destroy when it
// leaves.
extern "C" {

[[noreturn]] void tenon_helper_trap_cxx(Instance* instance, uint32_t kind, uint32_t offset) {
  Thread& thread = Thread::of(*instance->thread);
  thread.raise(static_cast<TrapKind>(kind));
  runtime::record_backtrace(thread);
  if (!thread.trap.backtrace.empty()) {
    thread.trap.backtrace.front().offset = offset;
  }
  give_up(thread);
}

[[noreturn]] void tenon_helper_element_trap_cxx(Instance* instance, uint32_t kind, uint32_t index, uint32_t table,
                                                uint32_t offset) {
  Thread& thread = Thread::of(*instance->thread);
  const Executable& executable = LinkedModule::of(*instance).executable();
  const abi::Table& accessed = *runtime::at<abi::Table*>(*instance, executable.layout().table(table));
  thread.raise(static_cast<TrapKind>(kind), static_cast<TrapKind>(kind) == TrapKind::uninitialized_element
                                                ? LinkedModule::of(*instance).describe_null_element(accessed, index)
                                                : std::string());
  runtime::record_backtrace(thread);
  if (!thread.trap.backtrace.empty()) {
    thread.trap.backtrace.front().offset = offset;
  }
  give_up(thread);
}

[[noreturn]] void tenon_helper_stack_exhausted_cxx(Instance* instance) {
  trap_helper(instance, static_cast<int>(TrapKind::call_stack_exhausted));
}

[[noreturn]] void tenon_helper_stack_overrun_cxx(Instance* instance, uint32_t pointer, uint32_t offset) {
  Thread& thread = Thread::of(*instance->thread);
  report_stack_overrun(thread, pointer);
  runtime::record_backtrace(thread);
  if (!thread.trap.backtrace.empty()) {
    thread.trap.backtrace.front().offset = offset;
  }
  give_up(thread);
}

Instance* tenon_helper_make_instance_cxx(Instance* instance, uint32_t dso) {
  Instance* const made = LinkedModule::of(*instance).instance_of(*instance->thread, dso);
  if (made == nullptr) {
    fail_helper(Thread::of(*instance->thread));
  }
  return made;
}

const abi::FunctionDescriptor* tenon_helper_reference_function_cxx(Instance* instance, uint32_t function) {
  const abi::FunctionDescriptor* const descriptor = LinkedModule::of(*instance).descriptor(*instance->thread, function);
  if (descriptor == nullptr) {
    fail_helper(Thread::of(*instance->thread));
  }
  return descriptor;
}

uint64_t tenon_helper_memory_grow_cxx(Instance* instance, uint64_t pages, uint32_t memory) {
  return static_cast<uint64_t>(LinkedModule::of(*instance).memory(memory).grow(pages));
}

void tenon_helper_memory_copy_cxx(Instance* instance, uint64_t to, uint64_t from, uint64_t count) {
  const uint64_t size = instance->memory->size.load(std::memory_order_acquire);
  // sandbox: as the specification has it, before anything is written.
  if (count > size || to > size - count || from > size - count) {
    trap_helper(instance, static_cast<int>(TrapKind::memory_out_of_bounds));
  }
  std::memmove(instance->memory_base + to, instance->memory_base + from, count);
}

void tenon_helper_memory_fill_cxx(Instance* instance, uint64_t to, uint32_t value, uint64_t count) {
  const uint64_t size = instance->memory->size.load(std::memory_order_acquire);
  // sandbox: as the specification has it, before anything is written.
  if (count > size || to > size - count) {
    trap_helper(instance, static_cast<int>(TrapKind::memory_out_of_bounds));
  }
  std::memset(instance->memory_base + to, static_cast<uint8_t>(value), count);
}

uint64_t tenon_helper_bulk_cxx(Instance* instance, uint32_t opcode, const Cell* arguments, uint32_t first,
                               uint32_t second) {
  Cell result{};
  const int trap = run_bulk(static_cast<wasm::Opcode>(opcode), *instance, arguments, result, {first, second});
  if (trap == kPending) {
    fail_helper(Thread::of(*instance->thread));
  }
  if (trap != numeric::kFine) {
    trap_helper(instance, trap);
  }
  return result.bits;
}

uint32_t tenon_helper_wait32_cxx(Instance* instance, uint64_t address, uint32_t expected, int64_t timeout) {
  return wait_at<uint32_t>(instance, address, expected, timeout);
}

uint32_t tenon_helper_wait64_cxx(Instance* instance, uint64_t address, uint64_t expected, int64_t timeout) {
  return wait_at<uint64_t>(instance, address, expected, timeout);
}

uint32_t tenon_helper_notify_cxx(Instance* instance, uint64_t address, uint32_t count) {
  if (address % sizeof(uint32_t) != 0) {
    trap_helper(instance, static_cast<int>(TrapKind::unaligned_atomic));
  }
  const uint64_t size = instance->memory->size.load(std::memory_order_acquire);
  if (sizeof(uint32_t) > size || address > size - sizeof(uint32_t)) {
    trap_helper(instance, static_cast<int>(TrapKind::memory_out_of_bounds));
  }
  return runtime::notify(instance->memory_base + address, count);
}

[[noreturn]] void tenon_helper_throw_new_cxx(Instance* instance, uint32_t tag, const Cell* values) {
  Thread& thread = Thread::of(*instance->thread);
  const LinkedModule& module = LinkedModule::of(*instance);
  const wasm::Module& decoded = module.executable().module();
  const uint32_t count = abi::cells_of(decoded.types[decoded.tags[tag].type]->parameters);
  abi::Exception* const thrown = make_exception(thread, module.tag(tag), count, thread.values, thread.frames);
  if (thrown == nullptr) {
    thread.raise(TrapKind::host, "out of memory for an exception");
    fail_helper(thread);
  }
  std::copy_n(values, count, thrown->values());
  thread.exception = thrown;
  thread.pending = abi::Pending::exception;
  runtime::throw_native(thread);
}

[[noreturn]] void tenon_helper_throw_again_cxx(Instance* instance, abi::Exception* exception) {
  Thread& thread = Thread::of(*instance->thread);
  thread.exception = exception;
  thread.pending = abi::Pending::exception;
  runtime::throw_native(thread);
}

// In native_entry.S: they keep the caller's state before they go on above.
void tenon_helper_trap(Instance*, uint32_t, uint32_t);
void tenon_helper_element_trap(Instance*, uint32_t, uint32_t, uint32_t, uint32_t);
void tenon_helper_stack_exhausted(Instance*);
void tenon_helper_stack_overrun(Instance*, uint32_t, uint32_t);
Instance* tenon_helper_make_instance(Instance*, uint32_t);
const abi::FunctionDescriptor* tenon_helper_reference_function(Instance*, uint32_t);
uint64_t tenon_helper_memory_grow(Instance*, uint64_t, uint32_t);
void tenon_helper_memory_copy(Instance*, uint64_t, uint64_t, uint64_t);
void tenon_helper_memory_fill(Instance*, uint64_t, uint32_t, uint64_t);
uint64_t tenon_helper_bulk(Instance*, uint32_t, const Cell*, uint32_t, uint32_t);
uint32_t tenon_helper_wait32(Instance*, uint64_t, uint32_t, int64_t);
uint32_t tenon_helper_wait64(Instance*, uint64_t, uint64_t, int64_t);
uint32_t tenon_helper_notify(Instance*, uint64_t, uint32_t);
void tenon_helper_throw_new(Instance*, uint32_t, const Cell*);
void tenon_helper_throw_again(Instance*, abi::Exception*);
}

const abi::Helpers& helpers() {
  static constexpr abi::Helpers kHelpers = {
      .trap = &tenon_helper_trap,
      .element_trap = &tenon_helper_element_trap,
      .stack_exhausted = &tenon_helper_stack_exhausted,
      .stack_overrun = &tenon_helper_stack_overrun,
      .make_instance = &tenon_helper_make_instance,
      .reference_function = &tenon_helper_reference_function,
      .memory_grow = &tenon_helper_memory_grow,
      .memory_copy = &tenon_helper_memory_copy,
      .memory_fill = &tenon_helper_memory_fill,
      .bulk = &tenon_helper_bulk,
      .wait32 = &tenon_helper_wait32,
      .wait64 = &tenon_helper_wait64,
      .notify = &tenon_helper_notify,
      .throw_new = &tenon_helper_throw_new,
      .throw_again = &tenon_helper_throw_again,
      .ceil32 = [](float value) { return std::ceil(value); },
      .floor32 = [](float value) { return std::floor(value); },
      .trunc32 = [](float value) { return std::trunc(value); },
      .nearest32 = [](float value) { return std::nearbyint(value); },
      .ceil64 = [](double value) { return std::ceil(value); },
      .floor64 = [](double value) { return std::floor(value); },
      .trunc64 = [](double value) { return std::trunc(value); },
      .nearest64 = [](double value) { return std::nearbyint(value); },
  };
  return kHelpers;
}

void register_native_calls() {
  runtime::set_call_out(&decide_call_out);
  runtime::set_backtrace_recorder([](Thread& thread) { record_backtrace(thread, thread.position, thread.frames); });
}

}  // namespace tenon::interp
