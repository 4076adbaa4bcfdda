// What the numeric instructions compute (specification 4.3), one line each. The lists make the handlers, and
// their order is the opcode table's business, not theirs.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/trap.h"

namespace tenon::interp::numeric {

using runtime::TrapKind;

template <class T>
T minimum(T a, T b) {
  if (a != a || b != b) {
    return a + b;  // quiets a signalling NaN
  }
  if (a == b) {
    return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}

template <class T>
T maximum(T a, T b) {
  if (a != a || b != b) {
    return a + b;
  }
  if (a == b) {
    return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}

/// Whether `value` truncated fits To; else the kind of trap.
template <class To, class From>
[[nodiscard]] inline bool truncates(From value) {
  // The bounds are exact in From: -2^(n-1) - 1 is not for every pair, so compare with the next power of two instead.
  constexpr From kAbove = static_cast<From>(uint64_t{1} << (std::numeric_limits<To>::digits - 1)) * 2;
  if constexpr (std::is_signed_v<To>) {
    if constexpr (sizeof(From) > sizeof(To)) {
      return value > static_cast<From>(std::numeric_limits<To>::min()) - 1 && value < kAbove;
    } else {
      return value >= static_cast<From>(std::numeric_limits<To>::min()) && value < kAbove;
    }
  } else {
    return value > From{-1} && value < kAbove;
  }
}

template <class To, class From>
[[nodiscard]] inline To truncate_saturating(From value) {
  if (value != value) {
    return 0;
  }
  if (truncates<To>(value)) {
    return static_cast<To>(value);
  }
  return value < 0 ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
}

/// A trap kind as an int, -1 for none: what a partial operation says about its operands.
constexpr int kFine = -1;

template <class To, class From>
[[nodiscard]] inline int truncation_trap(From value) {
  if (truncates<To>(value)) [[likely]] {
    return kFine;
  }
  return static_cast<int>(value != value ? TrapKind::invalid_conversion_to_integer : TrapKind::integer_overflow);
}

}  // namespace tenon::interp::numeric

// X(opcode, operand type, result type, expression of a and b)
#define TENON_INTEGER_BINARY(X, P, U, S, BITS)                              \
  X(P##_add, U, U, a + b)                                                   \
  X(P##_sub, U, U, a - b)                                                   \
  X(P##_mul, U, U, a* b)                                                    \
  X(P##_and, U, U, a& b)                                                    \
  X(P##_or, U, U, a | b)                                                    \
  X(P##_xor, U, U, a ^ b)                                                   \
  X(P##_shl, U, U, a << (b & (BITS - 1)))                                   \
  X(P##_shr_s, U, U, static_cast<U>(static_cast<S>(a) >> (b & (BITS - 1)))) \
  X(P##_shr_u, U, U, a >> (b & (BITS - 1)))                                 \
  X(P##_rotl, U, U, std::rotl(a, static_cast<int>(b & (BITS - 1))))         \
  X(P##_rotr, U, U, std::rotr(a, static_cast<int>(b & (BITS - 1))))

#define TENON_INTEGER_COMPARE(X, P, U, S)                          \
  X(P##_eq, U, uint32_t, a == b)                                   \
  X(P##_ne, U, uint32_t, a != b)                                   \
  X(P##_lt_s, U, uint32_t, static_cast<S>(a) < static_cast<S>(b))  \
  X(P##_lt_u, U, uint32_t, a < b)                                  \
  X(P##_gt_s, U, uint32_t, static_cast<S>(a) > static_cast<S>(b))  \
  X(P##_gt_u, U, uint32_t, a > b)                                  \
  X(P##_le_s, U, uint32_t, static_cast<S>(a) <= static_cast<S>(b)) \
  X(P##_le_u, U, uint32_t, a <= b)                                 \
  X(P##_ge_s, U, uint32_t, static_cast<S>(a) >= static_cast<S>(b)) \
  X(P##_ge_u, U, uint32_t, a >= b)

#define TENON_FLOAT_BINARY(X, P, T)        \
  X(P##_add, T, T, a + b)                  \
  X(P##_sub, T, T, a - b)                  \
  X(P##_mul, T, T, a* b)                   \
  X(P##_div, T, T, a / b)                  \
  X(P##_min, T, T, numeric::minimum(a, b)) \
  X(P##_max, T, T, numeric::maximum(a, b)) \
  X(P##_copysign, T, T, std::copysign(a, b))

#define TENON_FLOAT_COMPARE(X, P, T) \
  X(P##_eq, T, uint32_t, a == b)     \
  X(P##_ne, T, uint32_t, a != b)     \
  X(P##_lt, T, uint32_t, a < b)      \
  X(P##_gt, T, uint32_t, a > b)      \
  X(P##_le, T, uint32_t, a <= b)     \
  X(P##_ge, T, uint32_t, a >= b)

#define TENON_BINARY_OPERATIONS(X)                    \
  TENON_INTEGER_BINARY(X, i32, uint32_t, int32_t, 32) \
  TENON_INTEGER_BINARY(X, i64, uint64_t, int64_t, 64) \
  TENON_INTEGER_COMPARE(X, i32, uint32_t, int32_t)    \
  TENON_INTEGER_COMPARE(X, i64, uint64_t, int64_t)    \
  TENON_FLOAT_BINARY(X, f32, float)                   \
  TENON_FLOAT_BINARY(X, f64, double)                  \
  TENON_FLOAT_COMPARE(X, f32, float)                  \
  TENON_FLOAT_COMPARE(X, f64, double)

/// Compares that are fused with a branch.
#define TENON_BRANCH_COMPARES(X)                   \
  TENON_INTEGER_COMPARE(X, i32, uint32_t, int32_t) \
  TENON_INTEGER_COMPARE(X, i64, uint64_t, int64_t) \
  TENON_FLOAT_COMPARE(X, f32, float)               \
  TENON_FLOAT_COMPARE(X, f64, double)

// X(opcode, operand type, result type, trap or kFine of a and b, expression)
#define TENON_DIVISIONS(X, P, U, S)                                                              \
  X(P##_div_s, U, U,                                                                             \
    b == 0 ? static_cast<int>(TrapKind::integer_divide_by_zero)                                  \
           : (static_cast<S>(b) == -1 && a == static_cast<U>(std::numeric_limits<S>::min())      \
                  ? static_cast<int>(TrapKind::integer_overflow)                                 \
                  : kFine),                                                                      \
    static_cast<U>(static_cast<S>(a) / static_cast<S>(b)))                                       \
  X(P##_div_u, U, U, b == 0 ? static_cast<int>(TrapKind::integer_divide_by_zero) : kFine, a / b) \
  X(P##_rem_s, U, U, b == 0 ? static_cast<int>(TrapKind::integer_divide_by_zero) : kFine,        \
    static_cast<S>(b) == -1 ? U{0} : static_cast<U>(static_cast<S>(a) % static_cast<S>(b)))      \
  X(P##_rem_u, U, U, b == 0 ? static_cast<int>(TrapKind::integer_divide_by_zero) : kFine, a % b)

#define TENON_PARTIAL_BINARY_OPERATIONS(X)   \
  TENON_DIVISIONS(X, i32, uint32_t, int32_t) \
  TENON_DIVISIONS(X, i64, uint64_t, int64_t)

#define TENON_INTEGER_UNARY(X, P, U)                    \
  X(P##_eqz, U, uint32_t, a == 0)                       \
  X(P##_clz, U, U, static_cast<U>(std::countl_zero(a))) \
  X(P##_ctz, U, U, static_cast<U>(std::countr_zero(a))) \
  X(P##_popcnt, U, U, static_cast<U>(std::popcount(a)))

#define TENON_FLOAT_UNARY(X, P, T, BITS_TYPE)                                                             \
  X(P##_abs, T, T, std::bit_cast<T>(std::bit_cast<BITS_TYPE>(a) & (~BITS_TYPE{0} >> 1)))                  \
  X(P##_neg, T, T, std::bit_cast<T>(std::bit_cast<BITS_TYPE>(a) ^ (BITS_TYPE{1} << (sizeof(T) * 8 - 1)))) \
  X(P##_ceil, T, T, std::ceil(a))                                                                         \
  X(P##_floor, T, T, std::floor(a))                                                                       \
  X(P##_trunc, T, T, std::trunc(a))                                                                       \
  X(P##_nearest, T, T, std::nearbyint(a))                                                                 \
  X(P##_sqrt, T, T, std::sqrt(a))

#define TENON_UNARY_OPERATIONS(X)                                                                           \
  TENON_INTEGER_UNARY(X, i32, uint32_t)                                                                     \
  TENON_INTEGER_UNARY(X, i64, uint64_t)                                                                     \
  TENON_FLOAT_UNARY(X, f32, float, uint32_t)                                                                \
  TENON_FLOAT_UNARY(X, f64, double, uint64_t)                                                               \
  X(i32_wrap_i64, uint64_t, uint32_t, static_cast<uint32_t>(a))                                             \
  X(i64_extend_i32_s, uint32_t, uint64_t, static_cast<uint64_t>(int64_t{static_cast<int32_t>(a)}))          \
  X(i64_extend_i32_u, uint32_t, uint64_t, uint64_t{a})                                                      \
  X(f32_convert_i32_s, uint32_t, float, static_cast<float>(static_cast<int32_t>(a)))                        \
  X(f32_convert_i32_u, uint32_t, float, static_cast<float>(a))                                              \
  X(f32_convert_i64_s, uint64_t, float, static_cast<float>(static_cast<int64_t>(a)))                        \
  X(f32_convert_i64_u, uint64_t, float, static_cast<float>(a))                                              \
  X(f32_demote_f64, double, float, static_cast<float>(a))                                                   \
  X(f64_convert_i32_s, uint32_t, double, static_cast<double>(static_cast<int32_t>(a)))                      \
  X(f64_convert_i32_u, uint32_t, double, static_cast<double>(a))                                            \
  X(f64_convert_i64_s, uint64_t, double, static_cast<double>(static_cast<int64_t>(a)))                      \
  X(f64_convert_i64_u, uint64_t, double, static_cast<double>(a))                                            \
  X(f64_promote_f32, float, double, static_cast<double>(a))                                                 \
  X(i32_reinterpret_f32, float, uint32_t, std::bit_cast<uint32_t>(a))                                       \
  X(i64_reinterpret_f64, double, uint64_t, std::bit_cast<uint64_t>(a))                                      \
  X(f32_reinterpret_i32, uint32_t, float, std::bit_cast<float>(a))                                          \
  X(f64_reinterpret_i64, uint64_t, double, std::bit_cast<double>(a))                                        \
  X(i32_extend8_s, uint32_t, uint32_t, static_cast<uint32_t>(static_cast<int8_t>(a)))                       \
  X(i32_extend16_s, uint32_t, uint32_t, static_cast<uint32_t>(static_cast<int16_t>(a)))                     \
  X(i64_extend8_s, uint64_t, uint64_t, static_cast<uint64_t>(static_cast<int8_t>(a)))                       \
  X(i64_extend16_s, uint64_t, uint64_t, static_cast<uint64_t>(static_cast<int16_t>(a)))                     \
  X(i64_extend32_s, uint64_t, uint64_t, static_cast<uint64_t>(static_cast<int32_t>(a)))                     \
  X(ref_is_null, uint64_t, uint32_t, a == 0)                                                                \
  X(i32_trunc_sat_f32_s, float, uint32_t, static_cast<uint32_t>(numeric::truncate_saturating<int32_t>(a)))  \
  X(i32_trunc_sat_f32_u, float, uint32_t, numeric::truncate_saturating<uint32_t>(a))                        \
  X(i32_trunc_sat_f64_s, double, uint32_t, static_cast<uint32_t>(numeric::truncate_saturating<int32_t>(a))) \
  X(i32_trunc_sat_f64_u, double, uint32_t, numeric::truncate_saturating<uint32_t>(a))                       \
  X(i64_trunc_sat_f32_s, float, uint64_t, static_cast<uint64_t>(numeric::truncate_saturating<int64_t>(a)))  \
  X(i64_trunc_sat_f32_u, float, uint64_t, numeric::truncate_saturating<uint64_t>(a))                        \
  X(i64_trunc_sat_f64_s, double, uint64_t, static_cast<uint64_t>(numeric::truncate_saturating<int64_t>(a))) \
  X(i64_trunc_sat_f64_u, double, uint64_t, numeric::truncate_saturating<uint64_t>(a))

#define TENON_TRUNCATION(X, name, From, U, To) \
  X(name, From, U, numeric::truncation_trap<To>(a), static_cast<U>(static_cast<To>(a)))

#define TENON_PARTIAL_UNARY_OPERATIONS(X)                          \
  TENON_TRUNCATION(X, i32_trunc_f32_s, float, uint32_t, int32_t)   \
  TENON_TRUNCATION(X, i32_trunc_f32_u, float, uint32_t, uint32_t)  \
  TENON_TRUNCATION(X, i32_trunc_f64_s, double, uint32_t, int32_t)  \
  TENON_TRUNCATION(X, i32_trunc_f64_u, double, uint32_t, uint32_t) \
  TENON_TRUNCATION(X, i64_trunc_f32_s, float, uint64_t, int64_t)   \
  TENON_TRUNCATION(X, i64_trunc_f32_u, float, uint64_t, uint64_t)  \
  TENON_TRUNCATION(X, i64_trunc_f64_s, double, uint64_t, int64_t)  \
  TENON_TRUNCATION(X, i64_trunc_f64_u, double, uint64_t, uint64_t)

// X(opcode, type in memory, result type)
#define TENON_LOADS(X)                \
  X(i32_load, uint32_t, uint32_t)     \
  X(i64_load, uint64_t, uint64_t)     \
  X(f32_load, float, float)           \
  X(f64_load, double, double)         \
  X(i32_load8_s, int8_t, uint32_t)    \
  X(i32_load8_u, uint8_t, uint32_t)   \
  X(i32_load16_s, int16_t, uint32_t)  \
  X(i32_load16_u, uint16_t, uint32_t) \
  X(i64_load8_s, int8_t, uint64_t)    \
  X(i64_load8_u, uint8_t, uint64_t)   \
  X(i64_load16_s, int16_t, uint64_t)  \
  X(i64_load16_u, uint16_t, uint64_t) \
  X(i64_load32_s, int32_t, uint64_t)  \
  X(i64_load32_u, uint32_t, uint64_t)

// X(opcode, type in memory, operand type)
#define TENON_STORES(X)              \
  X(i32_store, uint32_t, uint32_t)   \
  X(i64_store, uint64_t, uint64_t)   \
  X(f32_store, float, float)         \
  X(f64_store, double, double)       \
  X(i32_store8, uint8_t, uint32_t)   \
  X(i32_store16, uint16_t, uint32_t) \
  X(i64_store8, uint8_t, uint64_t)   \
  X(i64_store16, uint16_t, uint64_t) \
  X(i64_store32, uint32_t, uint64_t)
