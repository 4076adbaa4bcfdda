// Handlers of the instructions on v128. Vectors are in slots, two Cells each, and never in an accumulator: those that
// make one write it to slot `target` after they have read their operands.
#include <array>
#include <cstring>

#include "interp/addresses.h"
#include "interp/handlers.h"
#include "interp/operands.h"
#include "interp/vector_operations.h"

namespace tenon::interp {

namespace {

using wasm::Opcode;
using namespace vector;  // NOLINT: the lists of vector_operations.h are written in its names

// Vectors stand together in the opcode table.
constexpr size_t vector_index(Opcode opcode) {
  return static_cast<size_t>(opcode) - static_cast<size_t>(Opcode::v128_load);
}
constexpr size_t kVectorCount = vector_index(Opcode::i32x4_relaxed_dot_i8x16_i7x16_add_s) + 1;

template <class V>
[[nodiscard]] inline V read(const Cell* cells) {
  typedef V Stored __attribute__((aligned(alignof(Cell)), may_alias));  // NOLINT(modernize-use-using)
  return *reinterpret_cast<const Stored*>(cells);
}
template <class V>
inline void write(Cell* cells, V value) {
  typedef V Stored __attribute__((aligned(alignof(Cell)), may_alias));  // NOLINT(modernize-use-using)
  *reinterpret_cast<Stored*>(cells) = value;
}

#define UNARY_HANDLER(name, A, ...)                        \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) { \
    const Operands& o = operands(pc);                      \
    const auto a = read<A>(values + o.a);                  \
    write(values + o.target, __VA_ARGS__);                 \
    TENON_NEXT(2);                                         \
  }
TENON_VECTOR_UNARY_OPERATIONS(UNARY_HANDLER)

#define BINARY_HANDLER(name, A, ...)                       \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) { \
    const Operands& o = operands(pc);                      \
    const auto a = read<A>(values + o.a);                  \
    const auto b = read<A>(values + o.b);                  \
    write(values + o.target, __VA_ARGS__);                 \
    TENON_NEXT(2);                                         \
  }
TENON_VECTOR_BINARY_OPERATIONS(BINARY_HANDLER)

#define TERNARY_HANDLER(name, A, C, ...)                   \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) { \
    const Operands& o = operands(pc);                      \
    const auto a = read<A>(values + o.a);                  \
    const auto b = read<A>(values + o.b);                  \
    const auto c = read<C>(values + o.c);                  \
    write(values + o.target, __VA_ARGS__);                 \
    TENON_NEXT(2);                                         \
  }
TENON_VECTOR_TERNARY_OPERATIONS(TERNARY_HANDLER)

/// By opcode: operands in slots a, b and c.
constexpr auto kVectors = [] {
  std::array<Handler, kVectorCount> table{};
#define VECTOR_ROW(name, ...) table[vector_index(Opcode::name)] = &name##_handler;
  TENON_VECTOR_UNARY_OPERATIONS(VECTOR_ROW)
  TENON_VECTOR_BINARY_OPERATIONS(VECTOR_ROW)
  TENON_VECTOR_TERNARY_OPERATIONS(VECTOR_ROW)
  return table;
}();

/// How far slot b, the accumulator or b itself says to shift.
template <Source kCount>
[[nodiscard]] inline uint32_t shift_count(const Operands& o, const Cell* values, uint64_t i) {
  if constexpr (kCount == Source::slot) {
    return slot<uint32_t>(values, o.b);
  } else if constexpr (kCount == Source::accumulator) {
    return static_cast<uint32_t>(i);
  } else {
    return o.b;
  }
}

#define SHIFT_HANDLER(name, A, ...)                                                                                   \
  template <Source kCount>                                                                                            \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) {                                                            \
    const Operands& o = operands(pc);                                                                                 \
    const auto a = read<A>(values + o.a);                                                                             \
    const auto count = splat<A>(static_cast<Lane<A>>(shift_count<kCount>(o, values, i) & (sizeof(Lane<A>) * 8 - 1))); \
    write(values + o.target, __VA_ARGS__);                                                                            \
    TENON_NEXT(2);                                                                                                    \
  }
TENON_VECTOR_SHIFTS(SHIFT_HANDLER)

/// A scalar to all lanes, from slot a or the accumulator.
template <class V, class T, Source A>
TENON_HANDLER splat_handler(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const auto lane = static_cast<Lane<V>>(operand<T, A>(pc, values, o.a, i, d, f));
  if constexpr (std::is_floating_point_v<T>) {
    write(values + o.target, splat_float(lane));
  } else {
    write(values + o.target, splat<V>(lane));
  }
  TENON_NEXT(2);
}

/// The vector in slot a with the scalar in slot b as its lane c.
template <class V, class T>
TENON_HANDLER replace_lane_handler(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  // As bits: a signalling NaN stays one.
  const auto lane = static_cast<Lane<V>>(slot<T>(values, o.b));
  values[o.target].u64 = values[o.a].u64;
  values[o.target + 1].u64 = values[o.a + 1].u64;
  // sandbox: validated to be one of the vector's.
  std::memcpy(reinterpret_cast<uint8_t*>(values + o.target) + o.c * sizeof(lane), &lane, sizeof(lane));
  TENON_NEXT(2);
}

/// Lane c of the vector in slot a.
template <class L, class R, Target D>
TENON_HANDLER extract_lane_handler(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  L lane;
  std::memcpy(&lane, reinterpret_cast<const uint8_t*>(values + o.a) + o.c * sizeof(L), sizeof(L));
  put<R, D>(pc, values, static_cast<R>(lane), i, d, f);
  TENON_NEXT(2);
}

#define TEST_HANDLER(name, A, R, ...)                      \
  template <Target D>                                      \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) { \
    const auto a = read<A>(values + operands(pc).a);       \
    put<R, D>(pc, values, __VA_ARGS__, i, d, f);           \
    TENON_NEXT(2);                                         \
  }
TENON_VECTOR_TESTS(TEST_HANDLER)

template <class L, class R>
constexpr Family kExtractLane = {{&extract_lane_handler<L, R, Target::accumulator>,
                                  &extract_lane_handler<L, R, Target::slot>,
                                  &extract_lane_handler<L, R, Target::both>}};
#define TEST_FAMILY(name, ...)       \
  constexpr Family name##_family = { \
      {&name##_handler<Target::accumulator>, &name##_handler<Target::slot>, &name##_handler<Target::both>}};
TENON_VECTOR_TESTS(TEST_FAMILY)

// ---------------------------------------------------------------------------------------------------------------------
// Memory

#define LOAD_HANDLER(name, M, ...)                                                 \
  template <Address kAddress, bool kChecked>                                       \
  TENON_HANDLER name##_handler(TENON_HANDLER_PARAMETERS) {                         \
    const uint64_t address = effective_address<kAddress>(pc, values, i, instance); \
    if (outside<M, kChecked>(address, instance)) [[unlikely]] {                    \
      TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);                         \
    }                                                                              \
    TENON_BEFORE_ACCESS();                                                         \
    const M loaded = load_unaligned<M>(memory + address);                          \
    write(values + operands(pc).target, __VA_ARGS__);                              \
    TENON_NEXT(kAddressWords<kAddress>);                                           \
  }
TENON_VECTOR_LOADS(LOAD_HANDLER)

/// The value's slot is in `target`.
template <Address kAddress, bool kChecked>
TENON_HANDLER v128_store_handler(TENON_HANDLER_PARAMETERS) {
  const uint64_t address = effective_address<kAddress>(pc, values, i, instance);
  if (outside<U64x2, kChecked>(address, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  const auto value = read<U64x2>(values + operands(pc).target);
  TENON_BEFORE_ACCESS();
  store_unaligned<U64x2>(memory + address, value);
  TENON_NEXT(kAddressWords<kAddress>);
}

using AddressRow = std::array<std::array<Handler, 7>, 2>;

#define ADDRESS_ROW(name, C)                      \
  {&name##_handler<Address::slot, C>,             \
   &name##_handler<Address::accumulator, C>,      \
   &name##_handler<Address::plus_immediate, C>,   \
   &name##_handler<Address::plus_slot, C>,        \
   &name##_handler<Address::plus_accumulator, C>, \
   &name##_handler<Address::constant, C>,         \
   &name##_handler<Address::plus_global, C>}

struct LoadRow {
  Opcode opcode;
  AddressRow handlers;
};
#define LOAD_ROW(name, ...) LoadRow{Opcode::name, {{ADDRESS_ROW(name, false), ADDRESS_ROW(name, true)}}},
constexpr auto kLoads = std::to_array<LoadRow>({TENON_VECTOR_LOADS(LOAD_ROW)});
constexpr AddressRow kStore = {{ADDRESS_ROW(v128_store, false), ADDRESS_ROW(v128_store, true)}};

/// The base is in slot a, the vector in slot b, c is the lane; the third word is the offset.
template <class L, bool kChecked>
TENON_HANDLER load_lane(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const uint64_t address = uint64_t{slot<uint32_t>(values, o.a)} + word<uint32_t>(pc, 2);
  if (outside<L, kChecked>(address, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  TENON_BEFORE_ACCESS();
  const L loaded = load_unaligned<L>(memory + address);
  values[o.target].u64 = values[o.b].u64;
  values[o.target + 1].u64 = values[o.b + 1].u64;
  std::memcpy(reinterpret_cast<uint8_t*>(values + o.target) + o.c * sizeof(L), &loaded, sizeof(L));
  TENON_NEXT(3);
}

template <class L, bool kChecked>
TENON_HANDLER store_lane(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const uint64_t address = uint64_t{slot<uint32_t>(values, o.a)} + word<uint32_t>(pc, 2);
  if (outside<L, kChecked>(address, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  L lane;
  std::memcpy(&lane, reinterpret_cast<const uint8_t*>(values + o.b) + o.c * sizeof(L), sizeof(L));
  TENON_BEFORE_ACCESS();
  store_unaligned<L>(memory + address, lane);
  TENON_NEXT(3);
}

// ---------------------------------------------------------------------------------------------------------------------
// Moves

TENON_HANDLER copy128(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  write(values + o.target, read<U64x2>(values + o.a));
  TENON_NEXT(2);
}

/// The value is the next two words.
TENON_HANDLER constant128(TENON_HANDLER_PARAMETERS) {
  write(values + operands(pc).target, U64x2{word<uint64_t>(pc, 2), word<uint64_t>(pc, 3)});
  TENON_NEXT(4);
}

template <Source kCondition>
TENON_HANDLER select128(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const bool first = operand<uint32_t, kCondition>(pc, values, o.c, i, d, f) != 0;
  write(values + o.target, read<U64x2>(values + (first ? o.a : o.b)));
  TENON_NEXT(2);
}

/// `offset`: the place in the instance of the Cell that points to the global.
TENON_HANDLER global_get128(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  write(values + o.target, read<U64x2>(global_cell(instance, o.offset).cell));
  TENON_NEXT(2);
}
TENON_HANDLER global_set128(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  write(global_cell(instance, o.offset).cell, read<U64x2>(values + o.a));
  TENON_NEXT(2);
}

/// Lanes of the vectors in slots a and b, chosen by the bytes of the third word and, if there are more than eight, the
/// fourth: numbers of lanes of type L.
template <class L>
TENON_HANDLER shuffle(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  constexpr unsigned kCount = 16 / sizeof(L);
  const auto* const lanes = reinterpret_cast<const uint8_t*>(pc + 2);
  const auto* const a = reinterpret_cast<const uint8_t*>(values + o.a);
  const auto* const b = reinterpret_cast<const uint8_t*>(values + o.b) - sizeof(Vector<L, kCount>);
  Vector<L, kCount> result{};
#pragma clang loop unroll(full)
  for (unsigned n = 0; n < kCount; ++n) {
    // sandbox: validated to be a lane of one of the two.
    const unsigned lane = lanes[n];
    L chosen;
    std::memcpy(&chosen, (lane < kCount ? a : b) + lane * sizeof(L), sizeof(L));
    result[n] = chosen;
  }
  write(values + o.target, result);
  TENON_NEXT(4);
}

constexpr VectorHandlers kHandlers = {
    .copy = &copy128,
    .constant = &constant128,
    .select = {&select128<Source::slot>, &select128<Source::accumulator>},
    .global_get = &global_get128,
    .global_set = &global_set128,
    .shuffle = {&shuffle<uint8_t>, &shuffle<uint16_t>, &shuffle<uint32_t>, &shuffle<uint64_t>},
};

}  // namespace

const VectorHandlers& vector_handlers() {
  return kHandlers;
}

Handler vector_handler(Opcode opcode) {
  return kVectors[vector_index(opcode)];
}

Handler vector_shift_handler(Opcode opcode, Source count) {
  switch (opcode) {
#define SHIFT_CASE(name, ...)                                                    \
  case Opcode::name:                                                             \
    return count == Source::slot          ? &name##_handler<Source::slot>        \
           : count == Source::accumulator ? &name##_handler<Source::accumulator> \
                                          : &name##_handler<Source::immediate>;
    TENON_VECTOR_SHIFTS(SHIFT_CASE)
    default:
      return nullptr;
  }
}

Handler vector_splat_handler(Opcode opcode, Source a) {
  switch (opcode) {
#define SPLAT_CASE(P, V, T) \
  case Opcode::P##_splat:   \
    return a == Source::slot ? &splat_handler<V, T, Source::slot> : &splat_handler<V, T, Source::accumulator>;
    TENON_VECTOR_SHAPES(SPLAT_CASE)
    default:
      return nullptr;
  }
}

Handler vector_replace_handler(Opcode opcode) {
  switch (opcode) {
#define REPLACE_CASE(P, V, T)    \
  case Opcode::P##_replace_lane: \
    return &replace_lane_handler<V, T>;
    TENON_VECTOR_SHAPES(REPLACE_CASE)
    default:
      return nullptr;
  }
}

const Family* vector_scalar_family(Opcode opcode) {
  switch (opcode) {
#define EXTRACT_CASE(name, L, R) \
  case Opcode::name:             \
    return &kExtractLane<L, R>;
    TENON_VECTOR_EXTRACTS(EXTRACT_CASE)
#define TEST_CASE(name, ...) \
  case Opcode::name:         \
    return &name##_family;
    TENON_VECTOR_TESTS(TEST_CASE)
    default:
      return nullptr;
  }
}

Handler vector_load_handler(Opcode opcode, Address address, bool checked) {
  for (const LoadRow& row : kLoads) {
    if (row.opcode == opcode) {
      return row.handlers[checked ? 1 : 0][static_cast<size_t>(address)];
    }
  }
  return nullptr;
}

Handler vector_store_handler(Address address, bool checked) {
  return kStore[checked ? 1 : 0][static_cast<size_t>(address)];
}

Handler vector_lane_handler(Opcode opcode, bool checked) {
  switch (opcode) {
#define LANE_CASES(width, L)                                     \
  case Opcode::v128_load##width##_lane:                          \
    return checked ? &load_lane<L, true> : &load_lane<L, false>; \
  case Opcode::v128_store##width##_lane:                         \
    return checked ? &store_lane<L, true> : &store_lane<L, false>;
    TENON_VECTOR_LANE_ACCESSES(LANE_CASES)
    default:
      return nullptr;
  }
}

}  // namespace tenon::interp
