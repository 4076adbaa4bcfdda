// Handlers of arithmetic, comparison, conversion, and of compares fused with a branch.
#include <algorithm>
#include <array>

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
constexpr size_t kUnaryCount = static_cast<size_t>(Opcode::i64_trunc_sat_f64_u) + 1;

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

template <class Operation, Source A, Source B, bool kNegated, Way kWay>
TENON_HANDLER compare_branch(TENON_HANDLER_PARAMETERS) {
  using T = typename Operation::Operand;
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  const T b = operand<T, B>(pc, values, A == Source::slot ? o.b : o.a, i, d, f);
  constexpr unsigned kWords = 3 + (A == Source::immediate || B == Source::immediate ? immediate_words<T> : 0);
  if ((Operation::apply(a, b) != 0) != kNegated) {
    TENON_BRANCH(kWay, word<int64_t>(pc, kWords - 1));
  }
  TENON_NEXT(kWords);
}

/// C: whether c is a slot or a constant.
template <class Outer, class Inner, Source A, Source B, Source C, Target D>
TENON_HANDLER nested(TENON_HANDLER_PARAMETERS) {
  using T = typename Outer::Operand;
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  const T b = operand<T, B>(pc, values, o.b, i, d, f);
  T c;
  if constexpr (C == Source::slot) {
    c = slot<T>(values, o.c);
  } else {
    c = T{o.c};
  }
  put<T, D>(pc, values, Outer::apply(a, Inner::apply(b, c)), i, d, f);
  TENON_NEXT(2);
}

template <class T, Source A, Target D>
TENON_HANDLER extract(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const T a = operand<T, A>(pc, values, o.a, i, d, f);
  put<T, D>(pc, values, (a >> (o.b & (sizeof(T) * 8 - 1))) & T{o.c}, i, d, f);
  TENON_NEXT(2);
}

template <class Operation, Source A, Source B, Source X, Source Y, Target D>
TENON_HANDLER compare_select(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const auto a = operand<uint32_t, A>(pc, values, o.a, i, d, f);
  const auto b = operand<uint32_t, B>(pc, values, A == Source::slot ? o.b : o.a, i, d, f);
  const uint64_t chosen = choose<X, Y>(word<Operands>(pc, 2), values, Operation::apply(a, b) != 0);
  put<uint64_t, D>(pc, values, chosen, i, d, f);
  TENON_NEXT(3);
}

/// target: the local; a: what is added, signed; b or the immediate: what it is compared with.
template <class Operation, Source B, Way kWay>
TENON_HANDLER count_branch(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  const uint32_t count = slot<uint32_t>(values, o.target) + static_cast<uint32_t>(int32_t{static_cast<int16_t>(o.a)});
  set_slot<uint32_t>(values, o.target, count);
  i = count;
  if (Operation::apply(count, operand<uint32_t, B>(pc, values, o.b, i, d, f)) != 0) {
    TENON_BRANCH(kWay, word<int64_t>(pc, 2));
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
/// Whether operands have a bit in common: an i32.and that only decides something.
struct i32_test_operation {
  using Operand = uint32_t;
  using Result = uint32_t;
  static uint32_t apply(uint32_t a, uint32_t b) { return static_cast<uint32_t>((a & b) != 0); }
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
  std::array<std::array<const Family*, 2>, kUnaryCount> table{};
#define UNARY_ROW(name, ...)                                                           \
  table[static_cast<size_t>(Opcode::name)] = {&kUnary<name##_operation, Source::slot>, \
                                              &kUnary<name##_operation, Source::accumulator>};
  TENON_UNARY_OPERATIONS(UNARY_ROW)
  TENON_PARTIAL_UNARY_OPERATIONS(UNARY_ROW)
  return table;
}();

template <class Operation>
constexpr std::array<std::array<Handler, 2>, 2> kCountBranch = {
    {{&count_branch<Operation, Source::slot, Way::forward>, &count_branch<Operation, Source::slot, Way::back>},
     {&count_branch<Operation, Source::immediate, Way::forward>,
      &count_branch<Operation, Source::immediate, Way::back>}}};

/// By compare, Source slot or immediate, and Way.
constexpr std::array<std::array<std::array<Handler, 2>, 2>, 10> kCountBranches = {{
#define COUNT_ROW(name, ...) kCountBranch<name##_operation>,
    TENON_INTEGER_COMPARE(COUNT_ROW, i32, uint32_t, int32_t)}};

/// The branches by a compare, by whether it is negated and by Way.
using CompareBranchRows = std::array<std::array<BranchRow, 2>, 2>;

template <class Operation, bool kNegated, Way kWay>
constexpr void fill_compare_branches(CompareBranchRows& rows) {
  fill_pairs(rows[kNegated ? 1 : 0][static_cast<size_t>(kWay)],
             []<Source A, Source B>() -> Handler { return &compare_branch<Operation, A, B, kNegated, kWay>; });
}

template <class Operation>
constexpr CompareBranchRows compare_branch_rows() {
  CompareBranchRows rows{};
  fill_compare_branches<Operation, false, Way::forward>(rows);
  fill_compare_branches<Operation, false, Way::back>(rows);
  fill_compare_branches<Operation, true, Way::forward>(rows);
  fill_compare_branches<Operation, true, Way::back>(rows);
  return rows;
}

constexpr auto kCompareBranches = [] {
  std::array<CompareBranchRows, kCompareCount> table{};
#define BRANCH_ROW(name, ...) table[arithmetic_index(Opcode::name)] = compare_branch_rows<name##_operation>();
  TENON_BRANCH_COMPARES(BRANCH_ROW)
  return table;
}();

constexpr CompareBranchRows kTestBranches = compare_branch_rows<i32_test_operation>();

template <class Outer, class Inner, Source A, Source B, Source C>
constexpr Family kNested = {{&nested<Outer, Inner, A, B, C, Target::accumulator>,
                             &nested<Outer, Inner, A, B, C, Target::slot>,
                             &nested<Outer, Inner, A, B, C, Target::both>}};

/// By where the operands are: both in slots, a in the accumulator, b in it.
using NestedRow = std::array<const Family*, 3>;

template <class Outer, class Inner, Source C>
constexpr NestedRow nested_row() {
  using enum Source;
  return {&kNested<Outer, Inner, slot, slot, C>, &kNested<Outer, Inner, accumulator, slot, C>,
          &kNested<Outer, Inner, slot, accumulator, C>};
}

struct NestedFamily {
  Opcode outer;
  Opcode inner;
  NestedRow row;
};

#define NESTED(P, outer, inner, c)                                                \
  NestedFamily {                                                                  \
    Opcode::P##_##outer, Opcode::P##_##inner,                                     \
        nested_row<P##_##outer##_operation, P##_##inner##_operation, Source::c>() \
  }
#define NESTED_SHIFTS(P, outer) \
  NESTED(P, outer, shl, immediate), NESTED(P, outer, shr_u, immediate), NESTED(P, outer, rotl, immediate)
#define NESTED_PRODUCTS(P) NESTED(P, add, mul, slot), NESTED(P, sub, mul, slot)
constexpr auto kNestedFamilies = std::to_array<NestedFamily>({
    NESTED_SHIFTS(i32, add),
    NESTED_SHIFTS(i32, and),
    NESTED_SHIFTS(i32, or),
    NESTED_SHIFTS(i32, xor),
    NESTED_SHIFTS(i64, add),
    NESTED_SHIFTS(i64, and),
    NESTED_SHIFTS(i64, or),
    NESTED_SHIFTS(i64, xor),
    NESTED_PRODUCTS(i32),
    NESTED_PRODUCTS(i64),
    NESTED_PRODUCTS(f32),
    NESTED_PRODUCTS(f64),
});

template <class T, Source A>
constexpr Family kExtract = {
    {&extract<T, A, Target::accumulator>, &extract<T, A, Target::slot>, &extract<T, A, Target::both>}};

template <class Operation, Source A, Source B, Source X, Source Y>
constexpr Family kCompareSelect = {{&compare_select<Operation, A, B, X, Y, Target::accumulator>,
                                    &compare_select<Operation, A, B, X, Y, Target::slot>,
                                    &compare_select<Operation, A, B, X, Y, Target::both>}};

/// By what is chosen from: two slots, slot and constant, constant and slot, two constants.
using ChoiceRow = std::array<const Family*, 4>;

template <class Operation, Source A, Source B>
constexpr ChoiceRow choice_row() {
  using enum Source;
  return {&kCompareSelect<Operation, A, B, slot, slot>, &kCompareSelect<Operation, A, B, slot, immediate>,
          &kCompareSelect<Operation, A, B, immediate, slot>, &kCompareSelect<Operation, A, B, immediate, immediate>};
}

struct CompareSelect {
  Opcode compare;
  std::array<std::array<ChoiceRow, 2>, 2> rows;  ///< by whether left is the accumulator, right is immediate
};

template <class Operation>
constexpr CompareSelect compare_select_rows(Opcode compare) {
  using enum Source;
  return {compare,
          {{{choice_row<Operation, slot, slot>(), choice_row<Operation, slot, immediate>()},
            {choice_row<Operation, accumulator, slot>(), choice_row<Operation, accumulator, immediate>()}}}};
}

constexpr auto kCompareSelects = std::to_array<CompareSelect>({
    compare_select_rows<i32_eq_operation>(Opcode::i32_eq),
    compare_select_rows<i32_lt_s_operation>(Opcode::i32_lt_s),
    compare_select_rows<i32_lt_u_operation>(Opcode::i32_lt_u),
    compare_select_rows<i32_gt_s_operation>(Opcode::i32_gt_s),
    compare_select_rows<i32_gt_u_operation>(Opcode::i32_gt_u),
    compare_select_rows<i32_test_operation>(Opcode::i32_and),
});

}  // namespace

const Family* binary_family(Opcode opcode, Source a, Source b) {
  return kBinaryFamilies[arithmetic_index(opcode)][static_cast<size_t>(a)][static_cast<size_t>(b)];
}

const Family* unary_family(Opcode opcode, Source a) {
  return a == Source::immediate ? nullptr : kUnaryFamilies[static_cast<size_t>(opcode)][static_cast<size_t>(a)];
}

Handler compare_branch_handler(Opcode opcode, Source a, Source b, bool negated, Way way) {
  const auto& rows = opcode == Opcode::i32_and ? kTestBranches : kCompareBranches[arithmetic_index(opcode)];
  return rows[negated ? 1 : 0][static_cast<size_t>(way)][static_cast<size_t>(a)][static_cast<size_t>(b)];
}

Handler count_branch_handler(Opcode compare, Source b, Way way) {
  return kCountBranches[static_cast<size_t>(compare) - static_cast<size_t>(Opcode::i32_eq)][b == Source::slot ? 0 : 1]
                       [static_cast<size_t>(way)];
}

Handler count_pair_handler() {
  return &count_pair;
}

const Family* nested_family(Opcode outer, Opcode inner, Source a, Source b) {
  const auto* const found = std::ranges::find_if(
      kNestedFamilies, [&](const NestedFamily& family) { return family.outer == outer && family.inner == inner; });
  if (found == kNestedFamilies.end()) {
    return nullptr;
  }
  return found->row[a == Source::accumulator ? 1 : b == Source::accumulator ? 2 : 0];
}

const Family* extract_family(Opcode mask, Source a) {
  const bool in_slot = a == Source::slot;
  if (mask == Opcode::i32_and) {
    return in_slot ? &kExtract<uint32_t, Source::slot> : &kExtract<uint32_t, Source::accumulator>;
  }
  return in_slot ? &kExtract<uint64_t, Source::slot> : &kExtract<uint64_t, Source::accumulator>;
}

const Family* compare_select_family(Opcode compare, Source left, Source right, Source a, Source b) {
  const auto* const found = std::ranges::find(kCompareSelects, compare, &CompareSelect::compare);
  if (found == kCompareSelects.end() || left == Source::immediate || right == Source::accumulator) {
    return nullptr;
  }
  const ChoiceRow& row = found->rows[left == Source::accumulator ? 1 : 0][right == Source::immediate ? 1 : 0];
  return row[(a == Source::immediate ? 2 : 0) + (b == Source::immediate ? 1 : 0)];
}

}  // namespace tenon::interp
