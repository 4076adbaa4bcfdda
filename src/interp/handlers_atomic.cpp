// Handlers of the threads proposal: atomic loads, stores, read-modify-writes, wait and notify. Operands are in
// consecutive slots from `a`, the result goes to slot `target`, the static offset is in `offset`. All are sequentially
// consistent.
#include <array>

#include "interp/handlers.h"
#include "interp/operands.h"
#include "runtime/linked_module.h"
#include "runtime/wait.h"

namespace tenon::interp {

namespace {

using runtime::TrapKind;
using wasm::Opcode;

template <class M, bool kChecked>
[[nodiscard]] inline int check_address(uint64_t address, const Instance* instance) {
  // The alignment of an access is checked before its bounds, as the proposal's official tests want.
  if (address % sizeof(M) != 0) [[unlikely]] {
    return static_cast<int>(TrapKind::unaligned_atomic);
  }
  if constexpr (kChecked) {
    if (address + sizeof(M) > instance->memory->size.load(std::memory_order_relaxed)) [[unlikely]] {
      return static_cast<int>(TrapKind::memory_out_of_bounds);
    }
  }
  return -1;
}

#define TENON_ATOMIC_ADDRESS(M)                                                                 \
  const Operands& o = operands(pc);                                                             \
  const Cell* const arguments = values + o.a;                                                   \
  const uint64_t address = uint64_t{arguments[0].u32} + o.offset;                               \
  if (const int trap = check_address<M, kChecked>(address, instance); trap >= 0) [[unlikely]] { \
    TENON_TRAP(trap);                                                                           \
  }                                                                                             \
  TENON_BEFORE_ACCESS();                                                                        \
  [[maybe_unused]] M* const place = reinterpret_cast<M*>(memory + address)

template <class M, bool kChecked>
TENON_HANDLER atomic_load(TENON_HANDLER_PARAMETERS) {
  TENON_ATOMIC_ADDRESS(M);
  values[o.target].u64 = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  TENON_NEXT(2);
}

template <class M, bool kChecked>
TENON_HANDLER atomic_store(TENON_HANDLER_PARAMETERS) {
  TENON_ATOMIC_ADDRESS(M);
  __atomic_store_n(place, static_cast<M>(arguments[1].u64), __ATOMIC_SEQ_CST);
  TENON_NEXT(2);
}

enum class Update : uint8_t { add, sub, and_, or_, xor_, exchange };

template <class M, Update kUpdate, bool kChecked>
TENON_HANDLER atomic_update(TENON_HANDLER_PARAMETERS) {
  TENON_ATOMIC_ADDRESS(M);
  const auto value = static_cast<M>(arguments[1].u64);
  M before;
  if constexpr (kUpdate == Update::add) {
    before = __atomic_fetch_add(place, value, __ATOMIC_SEQ_CST);
  } else if constexpr (kUpdate == Update::sub) {
    before = __atomic_fetch_sub(place, value, __ATOMIC_SEQ_CST);
  } else if constexpr (kUpdate == Update::and_) {
    before = __atomic_fetch_and(place, value, __ATOMIC_SEQ_CST);
  } else if constexpr (kUpdate == Update::or_) {
    before = __atomic_fetch_or(place, value, __ATOMIC_SEQ_CST);
  } else if constexpr (kUpdate == Update::xor_) {
    before = __atomic_fetch_xor(place, value, __ATOMIC_SEQ_CST);
  } else {
    before = __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);
  }
  values[o.target].u64 = before;
  TENON_NEXT(2);
}

/// V: the operands' type. An expected value beyond M never matches.
template <class M, class V, bool kChecked>
TENON_HANDLER atomic_compare_exchange(TENON_HANDLER_PARAMETERS) {
  TENON_ATOMIC_ADDRESS(M);
  const auto expected = static_cast<V>(arguments[1].u64);
  auto found = static_cast<M>(expected);
  if (found == expected) {
    __atomic_compare_exchange_n(place, &found, static_cast<M>(arguments[2].u64), false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
  } else {
    found = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  }
  values[o.target].u64 = found;
  TENON_NEXT(2);
}

TENON_HANDLER atomic_fence(TENON_HANDLER_PARAMETERS) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  TENON_NEXT(2);
}

/// wait and notify touch memory outside of handlers, so they check bounds themselves in both modes.
template <class M>
TENON_HANDLER atomic_wait(TENON_HANDLER_PARAMETERS) {
  constexpr bool kChecked = true;
  TENON_ATOMIC_ADDRESS(M);
  runtime::Memory& object = runtime::LinkedModule::of(*instance).memory(0);
  if (!object.type().shared) [[unlikely]] {
    TENON_TRAP(TrapKind::unshared_wait);
  }
  runtime::Thread& thread = runtime::Thread::of(*instance->thread);
  store_state(pc, values, instance, frame);
  const auto result = runtime::wait<M>(thread, place, static_cast<M>(arguments[1].u64), arguments[2].i64);
  if (result == runtime::WaitResult::interrupted) [[unlikely]] {
    __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
  }
  values[o.target].u64 = static_cast<uint32_t>(result);
  TENON_NEXT(2);
}

TENON_HANDLER atomic_notify(TENON_HANDLER_PARAMETERS) {
  constexpr bool kChecked = true;
  TENON_ATOMIC_ADDRESS(uint32_t);
  values[o.target].u64 = runtime::notify(place, arguments[1].u32);
  TENON_NEXT(2);
}

using Row = std::array<Handler, 2>;

constexpr auto kAtomics = [] {
  std::array<Row, wasm::kOpcodes.size()> table{};
  const auto set = [&](Opcode opcode, Handler unchecked, Handler checked) {
    table[static_cast<size_t>(opcode)] = {unchecked, checked};
  };
#define TENON_ATOMIC_WIDTHS(X, name)   \
  X(i32, , uint32_t, uint32_t, name)   \
  X(i64, , uint64_t, uint64_t, name)   \
  X(i32, 8, uint8_t, uint32_t, name)   \
  X(i32, 16, uint16_t, uint32_t, name) \
  X(i64, 8, uint8_t, uint64_t, name) X(i64, 16, uint16_t, uint64_t, name) X(i64, 32, uint32_t, uint64_t, name)
  set(Opcode::i32_atomic_load, &atomic_load<uint32_t, false>, &atomic_load<uint32_t, true>);
  set(Opcode::i64_atomic_load, &atomic_load<uint64_t, false>, &atomic_load<uint64_t, true>);
  set(Opcode::i32_atomic_load8_u, &atomic_load<uint8_t, false>, &atomic_load<uint8_t, true>);
  set(Opcode::i32_atomic_load16_u, &atomic_load<uint16_t, false>, &atomic_load<uint16_t, true>);
  set(Opcode::i64_atomic_load8_u, &atomic_load<uint8_t, false>, &atomic_load<uint8_t, true>);
  set(Opcode::i64_atomic_load16_u, &atomic_load<uint16_t, false>, &atomic_load<uint16_t, true>);
  set(Opcode::i64_atomic_load32_u, &atomic_load<uint32_t, false>, &atomic_load<uint32_t, true>);
#define SET_STORE(T, W, M, V, name) set(Opcode::T##_atomic_store##W, &atomic_store<M, false>, &atomic_store<M, true>);
  TENON_ATOMIC_WIDTHS(SET_STORE, )
#define SET_UPDATE_FULL(name, kind)                                                       \
  set(Opcode::i32_atomic_rmw_##name, &atomic_update<uint32_t, Update::kind, false>,       \
      &atomic_update<uint32_t, Update::kind, true>);                                      \
  set(Opcode::i64_atomic_rmw_##name, &atomic_update<uint64_t, Update::kind, false>,       \
      &atomic_update<uint64_t, Update::kind, true>);                                      \
  set(Opcode::i32_atomic_rmw8_##name##_u, &atomic_update<uint8_t, Update::kind, false>,   \
      &atomic_update<uint8_t, Update::kind, true>);                                       \
  set(Opcode::i32_atomic_rmw16_##name##_u, &atomic_update<uint16_t, Update::kind, false>, \
      &atomic_update<uint16_t, Update::kind, true>);                                      \
  set(Opcode::i64_atomic_rmw8_##name##_u, &atomic_update<uint8_t, Update::kind, false>,   \
      &atomic_update<uint8_t, Update::kind, true>);                                       \
  set(Opcode::i64_atomic_rmw16_##name##_u, &atomic_update<uint16_t, Update::kind, false>, \
      &atomic_update<uint16_t, Update::kind, true>);                                      \
  set(Opcode::i64_atomic_rmw32_##name##_u, &atomic_update<uint32_t, Update::kind, false>, \
      &atomic_update<uint32_t, Update::kind, true>);
  SET_UPDATE_FULL(add, add)
  SET_UPDATE_FULL(sub, sub)
  SET_UPDATE_FULL(and, and_)
  SET_UPDATE_FULL(or, or_)
  SET_UPDATE_FULL(xor, xor_)
  SET_UPDATE_FULL(xchg, exchange)
#define SET_COMPARE(opcode, M, V) \
  set(Opcode::opcode, &atomic_compare_exchange<M, V, false>, &atomic_compare_exchange<M, V, true>);
  SET_COMPARE(i32_atomic_rmw_cmpxchg, uint32_t, uint32_t)
  SET_COMPARE(i64_atomic_rmw_cmpxchg, uint64_t, uint64_t)
  SET_COMPARE(i32_atomic_rmw8_cmpxchg_u, uint8_t, uint32_t)
  SET_COMPARE(i32_atomic_rmw16_cmpxchg_u, uint16_t, uint32_t)
  SET_COMPARE(i64_atomic_rmw8_cmpxchg_u, uint8_t, uint64_t)
  SET_COMPARE(i64_atomic_rmw16_cmpxchg_u, uint16_t, uint64_t)
  SET_COMPARE(i64_atomic_rmw32_cmpxchg_u, uint32_t, uint64_t)
  set(Opcode::atomic_fence, &atomic_fence, &atomic_fence);
  set(Opcode::memory_atomic_wait32, &atomic_wait<uint32_t>, &atomic_wait<uint32_t>);
  set(Opcode::memory_atomic_wait64, &atomic_wait<uint64_t>, &atomic_wait<uint64_t>);
  set(Opcode::memory_atomic_notify, &atomic_notify, &atomic_notify);
  return table;
}();

}  // namespace

Handler atomic_handler(Opcode opcode, bool checked) {
  return kAtomics[static_cast<size_t>(opcode)][checked ? 1 : 0];
}

}  // namespace tenon::interp
