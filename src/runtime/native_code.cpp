#include "runtime/native_code.h"

#include <algorithm>
#include <cstring>

#include "runtime/frame_tables.h"
#include "runtime/range_list.h"
#include "runtime/thread.h"

// In native_entry.S.
extern "C" {
uint64_t tenon_enter_native(tenon::runtime::NativeCall* call, tenon::abi::NativeSegment* segment);
void tenon_native_call_out();
[[noreturn]] void tenon_leave_native(tenon::abi::NativeSegment* segment);
[[noreturn]] void tenon_land(tenon::abi::MachineState* state, tenon::abi::Exception* exception);
const void* tenon_decide_call_out(tenon::runtime::NativeCall* call);
}

namespace tenon::runtime {

static_assert(offsetof(abi::NativeSegment, entered) == sizeof(abi::MachineState));
static_assert(offsetof(abi::NativeSegment, is_fault) == 2 * sizeof(abi::MachineState) + 16);
#if defined(__x86_64__)
static_assert(offsetof(abi::MachineState, r15) == 56 && sizeof(abi::MachineState) == 64);
#else
static_assert(offsetof(abi::MachineState, d8_to_d15) == 112 && sizeof(abi::MachineState) == 176);
#endif

namespace {

constinit RangeList<NativeCode> known_code;
CallOut decide_call_out = nullptr;
BacktraceRecorder backtrace_recorder = nullptr;

abi::MachineState state_of(const ucontext_t& machine) {
  abi::MachineState state{};
#if defined(__x86_64__)
  const auto& registers = machine.uc_mcontext.gregs;
  state.pc = static_cast<uint64_t>(registers[REG_RIP]);
  state.sp = static_cast<uint64_t>(registers[REG_RSP]);
  state.rbx = static_cast<uint64_t>(registers[REG_RBX]);
  state.rbp = static_cast<uint64_t>(registers[REG_RBP]);
  state.r12 = static_cast<uint64_t>(registers[REG_R12]);
  state.r13 = static_cast<uint64_t>(registers[REG_R13]);
  state.r14 = static_cast<uint64_t>(registers[REG_R14]);
  state.r15 = static_cast<uint64_t>(registers[REG_R15]);
#else
  state.pc = machine.uc_mcontext.pc;
  state.sp = machine.uc_mcontext.sp;
  std::memcpy(state.x19_to_x30, &machine.uc_mcontext.regs[19], sizeof(state.x19_to_x30));
  // The vector registers are not there; nothing but a landing pad needs them, and a fault has none.
#endif
  return state;
}

[[noreturn]] void trap_where_stopped(Thread* thread, TrapKind kind) {
  thread->raise(kind);
  record_backtrace(*thread);
  leave_native(*thread);
}

}  // namespace

uint32_t NativeCode::function_at(uintptr_t address) const {
  const auto offset = static_cast<uint32_t>(address - reinterpret_cast<uintptr_t>(base));
  const auto starts = functions.first(functions.size() - 1);
  const auto after = std::ranges::upper_bound(starts, offset);
  return imported_functions + (after == starts.begin() ? 0 : static_cast<uint32_t>(after - starts.begin()) - 1);
}

uint32_t NativeCode::position_of(uintptr_t address, uint32_t body_offset) const {
  const uint32_t index = function_at(address) - imported_functions;
  const size_t count = functions.size();
  uint32_t range[2];
  if (count < std::size(range) || positions.size() / sizeof(uint32_t) < count) {
    return 0;
  }
  std::memcpy(range, positions.data() + size_t{index} * sizeof(uint32_t), sizeof(range));
  const base::Bytes entries = positions.subspan(count * sizeof(uint32_t));
  if (range[0] > range[1] || range[1] > entries.size()) {
    return 0;
  }
  base::Reader in(entries.subspan(range[0], range[1] - range[0]));
  uintptr_t code = reinterpret_cast<uintptr_t>(base) + functions[index];
  uint32_t offset = body_offset;
  uint32_t result = 0;
  while (in.ok() && !in.at_end()) {
    code += in.u32();
    const uint64_t distance = in.u64();
    offset = (distance & 1) != 0 ? offset - static_cast<uint32_t>(distance >> 1)
                                 : offset + static_cast<uint32_t>(distance >> 1);
    if (code > address || !in.ok()) {
      break;
    }
    result = offset;
  }
  return result;
}

void register_native_code(NativeCode& code) {
  if (code.functions.size() == 1) {
    return;  // who finds code may ask for its function
  }
  known_code.add(code.text.data(), code.text.data() + code.text.size(), &code);
}

void unregister_native_code(const NativeCode& code) {
  known_code.remove(code.text.data());
}

NativeCode* find_native_code(uintptr_t address) {
  return known_code.find(address).payload;
}

bool enter_native(Thread& thread, NativeCall& call, abi::NativeSegment& segment) {
  segment.outer = thread.native;
  thread.native = &segment;
  const bool returned = tenon_enter_native(&call, &segment) != 0;
  thread.native = segment.outer;
  return returned;
}

const void* native_call_out() {
  return reinterpret_cast<const void*>(&tenon_native_call_out);
}

void set_call_out(CallOut function) {
  decide_call_out = function;
}

void leave_native(Thread& thread) {
  tenon_leave_native(thread.native);
}

void throw_native(Thread& thread) {
  abi::MachineState state = thread.native->at;
  uintptr_t address = state.pc - 1;
  while (const NativeCode* const code = find_native_code(address)) {
    const FrameTable table(*code, address);
    if (const uintptr_t pad = table.landing_pad()) {
      abi::Exception* const exception = thread.exception;
      state.pc = pad;
      thread.exception = nullptr;
      thread.pending = abi::Pending::none;
      tenon_land(&state, exception);
    }
    // A frame of code that is not compiled code ends the segment: the one that entered it.
    if (!table.step(state) || state.sp > thread.native->entered.sp) {
      break;
    }
    address = state.pc - 1;
  }
  leave_native(thread);
}

NativeWalk::NativeWalk(const abi::NativeSegment& segment) : segment_(segment), state_(segment.at) {
  settle(segment.is_fault == 0);
}

void NativeWalk::next() {
  const FrameTable table(*frame_.code, frame_.address);
  if (!table.step(state_) || state_.sp > segment_.entered.sp) {
    frame_ = {};
    return;
  }
  settle(true);
}

void NativeWalk::settle(bool is_return_address) {
  const uintptr_t address = state_.pc - (is_return_address ? 1 : 0);
  frame_ = {find_native_code(address), address};
}

void trap_stopped_code(Thread& thread, ucontext_t& machine, TrapKind kind) {
  thread.native->at = state_of(machine);
  thread.native->is_fault = 1;
  // What may lie below the stack pointer of a leaf function is not needed any more, but the frames above are: they
  // become the backtrace.
  constexpr uint64_t kStackAlignment = 16;
  const uint64_t stack = thread.native->at.sp / kStackAlignment * kStackAlignment;
#if defined(__x86_64__)
  auto& registers = machine.uc_mcontext.gregs;
  registers[REG_RSP] = static_cast<greg_t>(stack - sizeof(uint64_t));  // as after a call
  registers[REG_RDI] = reinterpret_cast<greg_t>(&thread);
  registers[REG_RSI] = static_cast<greg_t>(kind);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&trap_where_stopped);
#else
  machine.uc_mcontext.sp = stack;
  machine.uc_mcontext.regs[0] = reinterpret_cast<uint64_t>(&thread);
  machine.uc_mcontext.regs[1] = static_cast<uint64_t>(kind);
  machine.uc_mcontext.pc = reinterpret_cast<uint64_t>(&trap_where_stopped);
#endif
}

uintptr_t program_counter(const ucontext_t& machine) {
#if defined(__x86_64__)
  return static_cast<uintptr_t>(machine.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.uc_mcontext.pc;
#else
#error "this processor's program counter is not known here"
#endif
}

void set_backtrace_recorder(BacktraceRecorder recorder) {
  backtrace_recorder = recorder;
}

void record_backtrace(Thread& thread) {
  backtrace_recorder(thread);
}

}  // namespace tenon::runtime

const void* tenon_decide_call_out(tenon::runtime::NativeCall* call) {
  return tenon::runtime::decide_call_out(*call);
}
