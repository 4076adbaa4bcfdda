// Handlers of arithmetic, comparison, conversion, and of compares fused with a branch.
#include <algorithm>
#include <array>
#include <initializer_list>

#include "interp/handlers.h"
#include "interp/operands.h"
#include "interp/operations.h"

namespace tenon::interp {

namespace {

using wasm::Opcode;

// Arithmetic stands together in the opcode table; tables of handlers hold no more than it, since what they point to is
// relocated at every start.
constexpr size_t arithmetic_index(Opcode opcode) {
  return static_cast<size_t>(opcode) - static_cast<size_t>(Opcode::i32_eqz);
}
constexpr size_t kArithmeticCount = arithmetic_index(Opcode::f64_copysign) + 1;
constexpr size_t kCompareCount = arithmetic_index(Opcode::f64_ge) + 1;
constexpr size_t kOpcodeCount = wasm::kOpcodes.size();

template <class T>
constexpr unsigned immediate_words = std::is_floating_point_v<T> ? 1 : 0;

template <class Operation, Source A, Source B, Target D>
TENON_HANDLER binary(TENON_HANDLER_PARAMETERS) {
  using T = typename Operation::Operand;
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  const T b = operand<T, B>(pc, values, A == Source::slot ? o.b : o.a, i, d, f);
  if constexpr (Operation::kPartial) {
    const int trap = Operation::trap(a, b);
    if (trap != numeric::kFine) [[unlikely]] {
      TENON_TRAP(trap);
    }
  }
  put<typename Operation::Result, D>(pc, values, Operation::apply(a, b), i, d, f);
  TENON_NEXT(2 + (A == Source::immediate || B == Source::immediate ? immediate_words<T> : 0));
}

template <class Operation, Source A, Target D>
TENON_HANDLER unary(TENON_HANDLER_PARAMETERS) {
  using T = typename Operation::Operand;
  const T a = operand<T, A>(pc, values, operands(pc).a, i, d, f);
  if constexpr (Operation::kPartial) {
    const int trap = Operation::trap(a);
    if (trap != numeric::kFine) [[unlikely]] {
      TENON_TRAP(trap);
    }
  }
  put<typename Operation::Result, D>(pc, values, Operation::apply(a), i, d, f);
  TENON_NEXT(2);
}

template <class Operation, Source A, Source B, bool kNegated>
TENON_HANDLER compare_branch(TENON_HANDLER_PARAMETERS) {
  using T = typename Operation::Operand;
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  const T b = operand<T, B>(pc, values, A == Source::slot ? o.b : o.a, i, d, f);
  constexpr unsigned kWords = 3 + (A == Source::immediate || B == Source::immediate ? immediate_words<T> : 0);
  if ((Operation::apply(a, b) != 0) != kNegated) {
    TENON_NEXT(word<int64_t>(pc, kWords - 1));
  }
  TENON_NEXT(kWords);
}

template <class Outer, class Inner, Source A, Source B, Target D>
TENON_HANDLER shifted(TENON_HANDLER_PARAMETERS) {
  using T = typename Outer::Operand;
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  const T b = operand<T, B>(pc, values, o.b, i, d, f);
  put<T, D>(pc, values, Outer::apply(a, Inner::apply(b, T{o.c})), i, d, f);
  TENON_NEXT(2);
}

/// target: the local; a: what is added, signed; b or the immediate: what it is compared with.
template <class Operation, Source B>
TENON_HANDLER count_branch(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const uint32_t count = slot<uint32_t>(values, o.target) + static_cast<uint32_t>(int32_t{static_cast<int16_t>(o.a)});
  set_slot<uint32_t>(values, o.target, count);
  i = count;
  if (Operation::apply(count, operand<uint32_t, B>(pc, values, o.b, i, d, f)) != 0) {
    TENON_NEXT(word<int64_t>(pc, 2));
  }
  TENON_NEXT(3);
}

/// target, a: the locals; b, c: what is added, signed.
TENON_HANDLER count_pair(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  set_slot<uint32_t>(values, o.target,
                     slot<uint32_t>(values, o.target) + static_cast<uint32_t>(int32_t{static_cast<int16_t>(o.b)}));
  set_slot<uint32_t>(values, o.a,
                     slot<uint32_t>(values, o.a) + static_cast<uint32_t>(int32_t{static_cast<int16_t>(o.c)}));
  TENON_NEXT(2);
}

#define DEFINE_BINARY(name, T, R, expression) \
  struct name##_operation {                   \
    using Operand = T;                        \
    using Result = R;                         \
    static constexpr bool kPartial = false;   \
    static R apply(T a, T b) {                \
      return static_cast<R>(expression);      \
    }                                         \
  };
TENON_BINARY_OPERATIONS(DEFINE_BINARY)

#define DEFINE_PARTIAL_BINARY(name, T, R, trap_expression, expression) \
  struct name##_operation {                                            \
    using Operand = T;                                                 \
    using Result = R;                                                  \
    static constexpr bool kPartial = true;                             \
    static int trap(T a, T b) {                                        \
      (void)a;                                                         \
      return trap_expression;                                          \
    }                                                                  \
    static R apply(T a, T b) {                                         \
      return expression;                                               \
    }                                                                  \
  };
using numeric::kFine;
using runtime::TrapKind;
TENON_PARTIAL_BINARY_OPERATIONS(DEFINE_PARTIAL_BINARY)

#define DEFINE_UNARY(name, T, R, expression) \
  struct name##_operation {                  \
    using Operand = T;                       \
    using Result = R;                        \
    static constexpr bool kPartial = false;  \
    static R apply(T a) {                    \
      return static_cast<R>(expression);     \
    }                                        \
  };
TENON_UNARY_OPERATIONS(DEFINE_UNARY)

#define DEFINE_PARTIAL_UNARY(name, T, R, trap_expression, expression) \
  struct name##_operation {                                           \
    using Operand = T;                                                \
    using Result = R;                                                 \
    static constexpr bool kPartial = true;                            \
    static int trap(T a) {                                            \
      return trap_expression;                                         \
    }                                                                 \
    static R apply(T a) {                                             \
      return expression;                                              \
    }                                                                 \
  };
TENON_PARTIAL_UNARY_OPERATIONS(DEFINE_PARTIAL_UNARY)

template <class Operation, Source A, Source B>
constexpr Family kBinary = {{&binary<Operation, A, B, Target::accumulator>, &binary<Operation, A, B, Target::slot>,
                             &binary<Operation, A, B, Target::both>}};

template <class Operation, Source A>
constexpr Family kUnary = {{&unary<Operation, A, Target::accumulator>, &unary<Operation, A, Target::slot>,
                            &unary<Operation, A, Target::both>}};

/// By first and second operand; both from the accumulator or both immediate does not happen.
template <class Row, class Make>
constexpr void fill_pairs(Row& row, Make make) {
  using enum Source;
  row[0][0] = make.template operator()<slot, slot>();
  row[0][1] = make.template operator()<slot, accumulator>();
  row[0][2] = make.template operator()<slot, immediate>();
  row[1][0] = make.template operator()<accumulator, slot>();
  row[1][2] = make.template operator()<accumulator, immediate>();
  row[2][0] = make.template operator()<immediate, slot>();
  row[2][1] = make.template operator()<immediate, accumulator>();
}

using BinaryRow = std::array<std::array<const Family*, 3>, 3>;
using BranchRow = std::array<std::array<Handler, 3>, 3>;

constexpr auto kBinaryFamilies = [] {
  std::array<BinaryRow, kArithmeticCount> table{};
#define BINARY_ROW(name, ...)                       \
  fill_pairs(table[arithmetic_index(Opcode::name)], \
             []<Source A, Source B>() { return &kBinary<name##_operation, A, B>; });
  TENON_BINARY_OPERATIONS(BINARY_ROW)
  TENON_PARTIAL_BINARY_OPERATIONS(BINARY_ROW)
  return table;
}();

constexpr auto kUnaryFamilies = [] {
  std::array<std::array<const Family*, 2>, kOpcodeCount> table{};
#define UNARY_ROW(name, ...)                                                           \
  table[static_cast<size_t>(Opcode::name)] = {&kUnary<name##_operation, Source::slot>, \
                                              &kUnary<name##_operation, Source::accumulator>};
  TENON_UNARY_OPERATIONS(UNARY_ROW)
  TENON_PARTIAL_UNARY_OPERATIONS(UNARY_ROW)
  return table;
}();

constexpr std::array<std::array<Handler, 2>, 10> kCountBranches = {{
#define COUNT_ROW(name, ...) \
  {&count_branch<name##_operation, Source::slot>, &count_branch<name##_operation, Source::immediate>},
    TENON_INTEGER_COMPARE(COUNT_ROW, i32, uint32_t, int32_t)}};

constexpr auto kCompareBranches = [] {
  std::array<std::array<BranchRow, 2>, kCompareCount> table{};
#define BRANCH_ROW(name, ...)                                                                                 \
  fill_pairs(table[arithmetic_index(Opcode::name)][0],                                                        \
             []<Source A, Source B>() -> Handler { return &compare_branch<name##_operation, A, B, false>; }); \
  fill_pairs(table[arithmetic_index(Opcode::name)][1],                                                        \
             []<Source A, Source B>() -> Handler { return &compare_branch<name##_operation, A, B, true>; });
  TENON_BRANCH_COMPARES(BRANCH_ROW)
  return table;
}();

template <class Outer, class Inner, Source A, Source B>
constexpr Family kShifted = {{&shifted<Outer, Inner, A, B, Target::accumulator>,
                              &shifted<Outer, Inner, A, B, Target::slot>, &shifted<Outer, Inner, A, B, Target::both>}};

/// By where the operands are: both in slots, a in the accumulator, b in it.
using ShiftedRow = std::array<const Family*, 3>;

template <class Outer, class Inner>
constexpr ShiftedRow shifted_row() {
  using enum Source;
  return {&kShifted<Outer, Inner, slot, slot>, &kShifted<Outer, Inner, accumulator, slot>,
          &kShifted<Outer, Inner, slot, accumulator>};
}

#define SHIFTED_ROWS(P, outer)                                       \
  std::array<ShiftedRow, 3> {                                        \
    shifted_row<P##_##outer##_operation, P##_shl_operation>(),       \
        shifted_row<P##_##outer##_operation, P##_shr_u_operation>(), \
        shifted_row<P##_##outer##_operation, P##_rotl_operation>()   \
  }
constexpr std::array<std::array<std::array<ShiftedRow, 3>, 4>, 2> kShiftedFamilies = {{
    {SHIFTED_ROWS(i32, add), SHIFTED_ROWS(i32, and), SHIFTED_ROWS(i32, or), SHIFTED_ROWS(i32, xor)},
    {SHIFTED_ROWS(i64, add), SHIFTED_ROWS(i64, and), SHIFTED_ROWS(i64, or), SHIFTED_ROWS(i64, xor)},
}};

}  // namespace

const Family* binary_family(Opcode opcode, Source a, Source b) {
  return kBinaryFamilies[arithmetic_index(opcode)][static_cast<size_t>(a)][static_cast<size_t>(b)];
}

const Family* unary_family(Opcode opcode, Source a) {
  return a == Source::immediate ? nullptr : kUnaryFamilies[static_cast<size_t>(opcode)][static_cast<size_t>(a)];
}

Handler compare_branch_handler(Opcode opcode, Source a, Source b, bool negated) {
  return kCompareBranches[arithmetic_index(opcode)][negated ? 1 : 0][static_cast<size_t>(a)][static_cast<size_t>(b)];
}

Handler count_branch_handler(Opcode compare, Source b) {
  return kCountBranches[static_cast<size_t>(compare) - static_cast<size_t>(Opcode::i32_eq)][b == Source::slot ? 0 : 1];
}

Handler count_pair_handler() {
  return &count_pair;
}

const Family* shifted_family(Opcode outer, Opcode inner, Source a, Source b) {
  const auto find = [](Opcode opcode, std::initializer_list<Opcode> list) {
    return static_cast<size_t>(std::find(list.begin(), list.end(), opcode) - list.begin());
  };
  const size_t outer_index = find(outer, {Opcode::i32_add, Opcode::i32_and, Opcode::i32_or, Opcode::i32_xor,
                                          Opcode::i64_add, Opcode::i64_and, Opcode::i64_or, Opcode::i64_xor});
  const size_t inner_index = find(inner, {Opcode::i32_shl, Opcode::i32_shr_u, Opcode::i32_rotl, Opcode::i64_shl,
                                          Opcode::i64_shr_u, Opcode::i64_rotl});
  if (outer_index == 8 || inner_index == 6 || outer_index / 4 != inner_index / 3) {
    return nullptr;
  }
  const auto& row = kShiftedFamilies[outer_index / 4][outer_index % 4][inner_index % 3];
  return row[a == Source::accumulator ? 1 : b == Source::accumulator ? 2 : 0];
}

}  // namespace tenon::interp
