// What the instructions on v128 compute (specification 4.3.4), one line each: portable vector code, which clang makes
// into the vector instructions of the machine. compiler/emit_vector.cpp says the same for LLVM.
//
// Where the relaxed instructions leave a choice, it is that of docs/interpreter.md.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tenon::interp::vector {

template <class T, unsigned kCount>
struct Make {
  typedef T type __attribute__((vector_size(sizeof(T) * kCount)));  // NOLINT(modernize-use-using)
};
/// kCount lanes of type T.
template <class T, unsigned kCount>
using Vector = typename Make<T, kCount>::type;

using I8x16 = Vector<int8_t, 16>;
using U8x16 = Vector<uint8_t, 16>;
using I16x8 = Vector<int16_t, 8>;
using U16x8 = Vector<uint16_t, 8>;
using I32x4 = Vector<int32_t, 4>;
using U32x4 = Vector<uint32_t, 4>;
using I64x2 = Vector<int64_t, 2>;
using U64x2 = Vector<uint64_t, 2>;
using F32x4 = Vector<float, 4>;
using F64x2 = Vector<double, 2>;
// Half of a vector.
using I8x8 = Vector<int8_t, 8>;
using U8x8 = Vector<uint8_t, 8>;
using I16x4 = Vector<int16_t, 4>;
using U16x4 = Vector<uint16_t, 4>;
using I32x2 = Vector<int32_t, 2>;
using U32x2 = Vector<uint32_t, 2>;
using F32x2 = Vector<float, 2>;

template <class V>
using Lane = std::remove_cvref_t<decltype(V{}[0])>;
template <class V>
constexpr unsigned kLanes = sizeof(V) / sizeof(Lane<V>);

template <class To, class From>
[[nodiscard]] inline To as(From value) {
  static_assert(sizeof(To) == sizeof(From));
  return (To)value;  // NOLINT: a vector's bits as those of another, for which there is no other cast
}

/// All lanes are `value`.
template <class V>
[[nodiscard]] inline V splat(Lane<V> value) {
  return V{} + value;
}
/// The same where an addition would not be exact.
[[nodiscard]] inline F32x4 splat_float(float value) {
  return F32x4{value, value, value, value};
}
[[nodiscard]] inline F64x2 splat_float(double value) {
  return F64x2{value, value};
}

[[nodiscard]] inline auto low(auto v) {
  if constexpr (kLanes<decltype(v)> == 16) {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
  } else if constexpr (kLanes<decltype(v)> == 8) {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3);
  } else {
    return __builtin_shufflevector(v, v, 0, 1);
  }
}
[[nodiscard]] inline auto high(auto v) {
  if constexpr (kLanes<decltype(v)> == 16) {
    return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  } else if constexpr (kLanes<decltype(v)> == 8) {
    return __builtin_shufflevector(v, v, 4, 5, 6, 7);
  } else {
    return __builtin_shufflevector(v, v, 2, 3);
  }
}
[[nodiscard]] inline auto even(auto v) {
  if constexpr (kLanes<decltype(v)> == 16) {
    return __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14);
  } else {
    return __builtin_shufflevector(v, v, 0, 2, 4, 6);
  }
}
[[nodiscard]] inline auto odd(auto v) {
  if constexpr (kLanes<decltype(v)> == 16) {
    return __builtin_shufflevector(v, v, 1, 3, 5, 7, 9, 11, 13, 15);
  } else {
    return __builtin_shufflevector(v, v, 1, 3, 5, 7);
  }
}
/// A half and zeros behind it.
[[nodiscard]] inline auto with_zeros(auto v) {
  return __builtin_shufflevector(v, decltype(v){}, 0, 1, 2, 3);
}

/// The lanes of half a vector in twice the width.
template <class Wide, class Half>
[[nodiscard]] inline Wide widen(Half half) {
  return __builtin_convertvector(half, Wide);
}

template <class V>
[[nodiscard]] inline V choose(auto condition, V first, V second) {
  using Bits = decltype(condition);
  return as<V>((condition & as<Bits>(first)) | (~condition & as<Bits>(second)));
}

[[nodiscard]] inline uint32_t bitmask(I8x16 v) {
  typedef bool Bits __attribute__((ext_vector_type(16)));  // NOLINT(modernize-use-using)
  return std::bit_cast<uint16_t>(__builtin_convertvector(v < 0, Bits));
}
[[nodiscard]] inline uint32_t bitmask(I16x8 v) {
  typedef bool Bits __attribute__((ext_vector_type(8)));  // NOLINT(modernize-use-using)
  return std::bit_cast<uint8_t>(__builtin_convertvector(v < 0, Bits));
}
[[nodiscard]] inline uint32_t bitmask(I32x4 v) {
  return static_cast<uint32_t>(__builtin_reduce_or((v < 0) & I32x4{1, 2, 4, 8}));
}
[[nodiscard]] inline uint32_t bitmask(I64x2 v) {
  return static_cast<uint32_t>(__builtin_reduce_or((v < 0) & I64x2{1, 2}));
}

[[nodiscard]] inline uint32_t all_true(auto v) {
  return __builtin_reduce_and(v != 0) != 0 ? 1 : 0;
}

[[nodiscard]] inline U8x16 popcount(U8x16 v) {
  v = v - ((v >> 1) & 0x55);
  v = (v & 0x33) + ((v >> 2) & 0x33);
  return (v + (v >> 4)) & 0x0f;
}

/// Lanes of `lanes` outside of `v` give 0.
[[nodiscard]] inline U8x16 swizzle(U8x16 v, U8x16 lanes) {
  return __builtin_shufflevector(v, lanes & 15) & as<U8x16>(lanes < 16);
}

/// The lanes of both, each to the nearest number that Narrow has.
template <class Narrow, class Wide>
[[nodiscard]] inline auto narrow(Wide a, Wide b) {
  constexpr auto kMost = static_cast<Lane<Wide>>((1 << std::numeric_limits<Narrow>::digits) - 1);
  constexpr auto kLeast = static_cast<Lane<Wide>>(std::is_signed_v<Narrow> ? -kMost - 1 : 0);
  const auto clamp = [](Wide v) {
    return __builtin_elementwise_min(__builtin_elementwise_max(v, splat<Wide>(kLeast)), splat<Wide>(kMost));
  };
  const Wide left = clamp(a);
  const Wide right = clamp(b);
  if constexpr (kLanes<Wide> == 8) {
    return __builtin_convertvector(
        __builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), Vector<Narrow, 16>);
  } else {
    return __builtin_convertvector(__builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7), Vector<Narrow, 8>);
  }
}

// The sums are unsigned: the one that does not fit wraps around.
[[nodiscard]] inline U32x4 dot(I16x8 a, I16x8 b) {
  return as<U32x4>(widen<I32x4>(even(a)) * widen<I32x4>(even(b))) +
         as<U32x4>(widen<I32x4>(odd(a)) * widen<I32x4>(odd(b)));
}
/// Signed both, each sum of two products in 16 bits.
[[nodiscard]] inline U16x8 dot(I8x16 a, I8x16 b) {
  return as<U16x8>(widen<I16x8>(even(a)) * widen<I16x8>(even(b))) +
         as<U16x8>(widen<I16x8>(odd(a)) * widen<I16x8>(odd(b)));
}
/// The sums of neighbours, signed.
[[nodiscard]] inline U32x4 pairwise(U16x8 v) {
  return as<U32x4>(as<I32x4>(as<U32x4>(v) << 16) >> 16) + as<U32x4>(as<I32x4>(v) >> 16);
}

[[nodiscard]] inline I16x8 q15_multiply(I16x8 a, I16x8 b) {
  const auto rounded = [](I16x4 left, I16x4 right) {
    return (widen<I32x4>(left) * widen<I32x4>(right) + 0x4000) >> 15;
  };
  return narrow<int16_t>(rounded(low(a), low(b)), rounded(high(a), high(b)));
}

// Of two equal numbers and of two zeros, what differs is the sign at most; the sum of a NaN and anything is a quiet
// NaN.
template <class Bits, class V>
[[nodiscard]] inline V minimum(V a, V b) {
  const V both = as<V>(as<Bits>(choose(a < b, a, b)) | as<Bits>(choose(b < a, b, a)));
  return choose((a == a) & (b == b), both, a + b);
}
template <class Bits, class V>
[[nodiscard]] inline V maximum(V a, V b) {
  const V both = as<V>(as<Bits>(choose(a > b, a, b)) & as<Bits>(choose(b > a, b, a)));
  return choose((a == a) & (b == b), both, a + b);
}

/// To the nearest number that To's lanes have; NaN to 0.
template <class To, class From>
[[nodiscard]] inline To truncate(From v) {
  using Number = Lane<To>;
  using Limits = std::numeric_limits<Number>;
  constexpr auto kAbove = static_cast<Lane<From>>(uint64_t{1} << (Limits::digits - 1)) * 2;
  // -2^31 itself, as the number before it may not be one of From's. All above -1 is 0 without a sign.
  const auto fits = std::is_signed_v<Number> ? (v >= -kAbove) & (v < kAbove) : (v > -1) & (v < kAbove);
  const To truncated = __builtin_convertvector(choose(fits, v, From{}), To);
  const auto narrow_mask = [](auto mask) {
    return as<To>(__builtin_convertvector(mask, Vector<std::make_signed_t<Number>, kLanes<To>>));
  };
  const To above = narrow_mask(v >= kAbove) & Limits::max();
  const To below = narrow_mask(v < -kAbove) & Limits::min();
  return truncated | above | below;
}

template <class Bits, class V>
[[nodiscard]] inline V absolute(V v) {
  return as<V>(as<Bits>(v) & (~Lane<Bits>{0} >> 1));
}
template <class Bits, class V>
[[nodiscard]] inline V negated(V v) {
  return as<V>(as<Bits>(v) ^ (Lane<Bits>{1} << (sizeof(Lane<Bits>) * 8 - 1)));
}

// X(opcode, type of the operands, result from a)
#define TENON_VECTOR_UNARY_OPERATIONS(X)                                                                    \
  X(v128_not, U64x2, ~a)                                                                                    \
  X(i8x16_abs, I8x16, __builtin_elementwise_abs(a))                                                         \
  X(i16x8_abs, I16x8, __builtin_elementwise_abs(a))                                                         \
  X(i32x4_abs, I32x4, __builtin_elementwise_abs(a))                                                         \
  X(i64x2_abs, I64x2, __builtin_elementwise_abs(a))                                                         \
  X(i8x16_neg, U8x16, -a)                                                                                   \
  X(i16x8_neg, U16x8, -a)                                                                                   \
  X(i32x4_neg, U32x4, -a)                                                                                   \
  X(i64x2_neg, U64x2, -a)                                                                                   \
  X(i8x16_popcnt, U8x16, popcount(a))                                                                       \
  X(i16x8_extadd_pairwise_i8x16_s, U16x8, as<U16x8>(as<I16x8>(a << 8) >> 8) + as<U16x8>(as<I16x8>(a) >> 8)) \
  X(i16x8_extadd_pairwise_i8x16_u, U16x8, (a & 0xff) + (a >> 8))                                            \
  X(i32x4_extadd_pairwise_i16x8_s, U16x8, pairwise(a))                                                      \
  X(i32x4_extadd_pairwise_i16x8_u, U32x4, (a & 0xffff) + (a >> 16))                                         \
  X(i16x8_extend_low_i8x16_s, I8x16, widen<I16x8>(low(a)))                                                  \
  X(i16x8_extend_high_i8x16_s, I8x16, widen<I16x8>(high(a)))                                                \
  X(i16x8_extend_low_i8x16_u, U8x16, widen<U16x8>(low(a)))                                                  \
  X(i16x8_extend_high_i8x16_u, U8x16, widen<U16x8>(high(a)))                                                \
  X(i32x4_extend_low_i16x8_s, I16x8, widen<I32x4>(low(a)))                                                  \
  X(i32x4_extend_high_i16x8_s, I16x8, widen<I32x4>(high(a)))                                                \
  X(i32x4_extend_low_i16x8_u, U16x8, widen<U32x4>(low(a)))                                                  \
  X(i32x4_extend_high_i16x8_u, U16x8, widen<U32x4>(high(a)))                                                \
  X(i64x2_extend_low_i32x4_s, I32x4, widen<I64x2>(low(a)))                                                  \
  X(i64x2_extend_high_i32x4_s, I32x4, widen<I64x2>(high(a)))                                                \
  X(i64x2_extend_low_i32x4_u, U32x4, widen<U64x2>(low(a)))                                                  \
  X(i64x2_extend_high_i32x4_u, U32x4, widen<U64x2>(high(a)))                                                \
  X(f32x4_ceil, F32x4, __builtin_elementwise_ceil(a))                                                       \
  X(f32x4_floor, F32x4, __builtin_elementwise_floor(a))                                                     \
  X(f32x4_trunc, F32x4, __builtin_elementwise_trunc(a))                                                     \
  X(f32x4_nearest, F32x4, __builtin_elementwise_nearbyint(a))                                               \
  X(f64x2_ceil, F64x2, __builtin_elementwise_ceil(a))                                                       \
  X(f64x2_floor, F64x2, __builtin_elementwise_floor(a))                                                     \
  X(f64x2_trunc, F64x2, __builtin_elementwise_trunc(a))                                                     \
  X(f64x2_nearest, F64x2, __builtin_elementwise_nearbyint(a))                                               \
  X(f32x4_abs, F32x4, absolute<U32x4>(a))                                                                   \
  X(f64x2_abs, F64x2, absolute<U64x2>(a))                                                                   \
  X(f32x4_neg, F32x4, negated<U32x4>(a))                                                                    \
  X(f64x2_neg, F64x2, negated<U64x2>(a))                                                                    \
  X(f32x4_sqrt, F32x4, __builtin_elementwise_sqrt(a))                                                       \
  X(f64x2_sqrt, F64x2, __builtin_elementwise_sqrt(a))                                                       \
  X(f32x4_convert_i32x4_s, I32x4, __builtin_convertvector(a, F32x4))                                        \
  X(f32x4_convert_i32x4_u, U32x4, __builtin_convertvector(a, F32x4))                                        \
  X(f64x2_convert_low_i32x4_s, I32x4, __builtin_convertvector(low(a), F64x2))                               \
  X(f64x2_convert_low_i32x4_u, U32x4, __builtin_convertvector(low(a), F64x2))                               \
  X(f32x4_demote_f64x2_zero, F64x2, with_zeros(__builtin_convertvector(a, F32x2)))                          \
  X(f64x2_promote_low_f32x4, F32x4, __builtin_convertvector(low(a), F64x2))                                 \
  X(i32x4_trunc_sat_f32x4_s, F32x4, truncate<I32x4>(a))                                                     \
  X(i32x4_trunc_sat_f32x4_u, F32x4, truncate<U32x4>(a))                                                     \
  X(i32x4_trunc_sat_f64x2_s_zero, F64x2, with_zeros(truncate<I32x2>(a)))                                    \
  X(i32x4_trunc_sat_f64x2_u_zero, F64x2, with_zeros(truncate<U32x2>(a)))                                    \
  X(i32x4_relaxed_trunc_f32x4_s, F32x4, truncate<I32x4>(a))                                                 \
  X(i32x4_relaxed_trunc_f32x4_u, F32x4, truncate<U32x4>(a))                                                 \
  X(i32x4_relaxed_trunc_f64x2_s_zero, F64x2, with_zeros(truncate<I32x2>(a)))                                \
  X(i32x4_relaxed_trunc_f64x2_u_zero, F64x2, with_zeros(truncate<U32x2>(a)))

#define TENON_VECTOR_INTEGER_COMPARE(X, P, U, S) \
  X(P##_eq, U, a == b)                           \
  X(P##_ne, U, a != b)                           \
  X(P##_lt_s, S, a < b)                          \
  X(P##_lt_u, U, a < b)                          \
  X(P##_gt_s, S, a > b)                          \
  X(P##_gt_u, U, a > b)                          \
  X(P##_le_s, S, a <= b)                         \
  X(P##_le_u, U, a <= b)                         \
  X(P##_ge_s, S, a >= b)                         \
  X(P##_ge_u, U, a >= b)

#define TENON_VECTOR_FLOAT(X, P, T, BITS)    \
  X(P##_eq, T, a == b)                       \
  X(P##_ne, T, a != b)                       \
  X(P##_lt, T, a < b)                        \
  X(P##_gt, T, a > b)                        \
  X(P##_le, T, a <= b)                       \
  X(P##_ge, T, a >= b)                       \
  X(P##_add, T, a + b)                       \
  X(P##_sub, T, a - b)                       \
  X(P##_mul, T, a* b)                        \
  X(P##_div, T, a / b)                       \
  X(P##_min, T, minimum<BITS>(a, b))         \
  X(P##_max, T, maximum<BITS>(a, b))         \
  X(P##_pmin, T, choose(b < a, b, a))        \
  X(P##_pmax, T, choose(a < b, b, a))        \
  X(P##_relaxed_min, T, minimum<BITS>(a, b)) \
  X(P##_relaxed_max, T, maximum<BITS>(a, b))

#define TENON_VECTOR_MINIMUM(X, P, U, S)           \
  X(P##_min_s, S, __builtin_elementwise_min(a, b)) \
  X(P##_min_u, U, __builtin_elementwise_min(a, b)) \
  X(P##_max_s, S, __builtin_elementwise_max(a, b)) \
  X(P##_max_u, U, __builtin_elementwise_max(a, b))

#define TENON_VECTOR_SMALL(X, P, U, S)                     \
  X(P##_add_sat_s, S, __builtin_elementwise_add_sat(a, b)) \
  X(P##_add_sat_u, U, __builtin_elementwise_add_sat(a, b)) \
  X(P##_sub_sat_s, S, __builtin_elementwise_sub_sat(a, b)) \
  X(P##_sub_sat_u, U, __builtin_elementwise_sub_sat(a, b)) \
  X(P##_avgr_u, U, (a | b) - ((a ^ b) >> 1))

#define TENON_VECTOR_EXTENDED_PRODUCTS(X, P, Q, WIDE_U, WIDE_S, U, S)            \
  X(P##_extmul_low_##Q##_s, S, widen<WIDE_S>(low(a)) * widen<WIDE_S>(low(b)))    \
  X(P##_extmul_high_##Q##_s, S, widen<WIDE_S>(high(a)) * widen<WIDE_S>(high(b))) \
  X(P##_extmul_low_##Q##_u, U, widen<WIDE_U>(low(a)) * widen<WIDE_U>(low(b)))    \
  X(P##_extmul_high_##Q##_u, U, widen<WIDE_U>(high(a)) * widen<WIDE_U>(high(b)))

// X(opcode, type of the operands, result from a and b)
#define TENON_VECTOR_BINARY_OPERATIONS(X)                                     \
  TENON_VECTOR_INTEGER_COMPARE(X, i8x16, U8x16, I8x16)                        \
  TENON_VECTOR_INTEGER_COMPARE(X, i16x8, U16x8, I16x8)                        \
  TENON_VECTOR_INTEGER_COMPARE(X, i32x4, U32x4, I32x4)                        \
  X(i64x2_eq, I64x2, a == b)                                                  \
  X(i64x2_ne, I64x2, a != b)                                                  \
  X(i64x2_lt_s, I64x2, a < b)                                                 \
  X(i64x2_gt_s, I64x2, a > b)                                                 \
  X(i64x2_le_s, I64x2, a <= b)                                                \
  X(i64x2_ge_s, I64x2, a >= b)                                                \
  TENON_VECTOR_FLOAT(X, f32x4, F32x4, U32x4)                                  \
  TENON_VECTOR_FLOAT(X, f64x2, F64x2, U64x2)                                  \
  X(v128_and, U64x2, a& b)                                                    \
  X(v128_andnot, U64x2, a & ~b)                                               \
  X(v128_or, U64x2, a | b)                                                    \
  X(v128_xor, U64x2, a ^ b)                                                   \
  X(i8x16_swizzle, U8x16, swizzle(a, b))                                      \
  X(i8x16_relaxed_swizzle, U8x16, swizzle(a, b))                              \
  X(i8x16_narrow_i16x8_s, I16x8, narrow<int8_t>(a, b))                        \
  X(i8x16_narrow_i16x8_u, I16x8, narrow<uint8_t>(a, b))                       \
  X(i16x8_narrow_i32x4_s, I32x4, narrow<int16_t>(a, b))                       \
  X(i16x8_narrow_i32x4_u, I32x4, narrow<uint16_t>(a, b))                      \
  X(i8x16_add, U8x16, a + b)                                                  \
  X(i16x8_add, U16x8, a + b)                                                  \
  X(i32x4_add, U32x4, a + b)                                                  \
  X(i64x2_add, U64x2, a + b)                                                  \
  X(i8x16_sub, U8x16, a - b)                                                  \
  X(i16x8_sub, U16x8, a - b)                                                  \
  X(i32x4_sub, U32x4, a - b)                                                  \
  X(i64x2_sub, U64x2, a - b)                                                  \
  X(i16x8_mul, U16x8, a* b)                                                   \
  X(i32x4_mul, U32x4, a* b)                                                   \
  X(i64x2_mul, U64x2, a* b)                                                   \
  TENON_VECTOR_SMALL(X, i8x16, U8x16, I8x16)                                  \
  TENON_VECTOR_SMALL(X, i16x8, U16x8, I16x8)                                  \
  TENON_VECTOR_MINIMUM(X, i8x16, U8x16, I8x16)                                \
  TENON_VECTOR_MINIMUM(X, i16x8, U16x8, I16x8)                                \
  TENON_VECTOR_MINIMUM(X, i32x4, U32x4, I32x4)                                \
  TENON_VECTOR_EXTENDED_PRODUCTS(X, i16x8, i8x16, U16x8, I16x8, U8x16, I8x16) \
  TENON_VECTOR_EXTENDED_PRODUCTS(X, i32x4, i16x8, U32x4, I32x4, U16x8, I16x8) \
  TENON_VECTOR_EXTENDED_PRODUCTS(X, i64x2, i32x4, U64x2, I64x2, U32x4, I32x4) \
  X(i32x4_dot_i16x8_s, I16x8, dot(a, b))                                      \
  X(i16x8_relaxed_dot_i8x16_i7x16_s, I8x16, dot(a, b))                        \
  X(i16x8_q15mulr_sat_s, I16x8, q15_multiply(a, b))                           \
  X(i16x8_relaxed_q15mulr_s, I16x8, q15_multiply(a, b))

// X(opcode, type of the first two operands, type of the third, result from a, b and c)
#define TENON_VECTOR_TERNARY_OPERATIONS(X)                        \
  X(v128_bitselect, U64x2, U64x2, choose(c, a, b))                \
  X(i8x16_relaxed_laneselect, U64x2, U64x2, choose(c, a, b))      \
  X(i16x8_relaxed_laneselect, U64x2, U64x2, choose(c, a, b))      \
  X(i32x4_relaxed_laneselect, U64x2, U64x2, choose(c, a, b))      \
  X(i64x2_relaxed_laneselect, U64x2, U64x2, choose(c, a, b))      \
  X(f32x4_relaxed_madd, F32x4, F32x4, a* b + c)                   \
  X(f32x4_relaxed_nmadd, F32x4, F32x4, negated<U32x4>(a) * b + c) \
  X(f64x2_relaxed_madd, F64x2, F64x2, a* b + c)                   \
  X(f64x2_relaxed_nmadd, F64x2, F64x2, negated<U64x2>(a) * b + c) \
  X(i32x4_relaxed_dot_i8x16_i7x16_add_s, I8x16, U32x4, pairwise(dot(a, b)) + c)

// X(opcode, type of the operand, bits to shift by modulo the lane's, result from a and count)
#define TENON_VECTOR_SHIFTS_OF(X, P, U, S) \
  X(P##_shl, U, a << count)                \
  X(P##_shr_s, S, a >> count)              \
  X(P##_shr_u, U, a >> count)
#define TENON_VECTOR_SHIFTS(X)                   \
  TENON_VECTOR_SHIFTS_OF(X, i8x16, U8x16, I8x16) \
  TENON_VECTOR_SHIFTS_OF(X, i16x8, U16x8, I16x8) \
  TENON_VECTOR_SHIFTS_OF(X, i32x4, U32x4, I32x4) \
  TENON_VECTOR_SHIFTS_OF(X, i64x2, U64x2, I64x2)

// X(opcode, type of the operand, type of the result, result from a)
#define TENON_VECTOR_TESTS(X)                                              \
  X(v128_any_true, U64x2, uint32_t, __builtin_reduce_or(a) != 0 ? 1U : 0U) \
  X(i8x16_all_true, I8x16, uint32_t, all_true(a))                          \
  X(i16x8_all_true, I16x8, uint32_t, all_true(a))                          \
  X(i32x4_all_true, I32x4, uint32_t, all_true(a))                          \
  X(i64x2_all_true, I64x2, uint32_t, all_true(a))                          \
  X(i8x16_bitmask, I8x16, uint32_t, bitmask(a))                            \
  X(i16x8_bitmask, I16x8, uint32_t, bitmask(a))                            \
  X(i32x4_bitmask, I32x4, uint32_t, bitmask(a))                            \
  X(i64x2_bitmask, I64x2, uint32_t, bitmask(a))

// X(opcode, type of the lane, type of the result)
#define TENON_VECTOR_EXTRACTS(X)              \
  X(i8x16_extract_lane_s, int8_t, uint32_t)   \
  X(i8x16_extract_lane_u, uint8_t, uint32_t)  \
  X(i16x8_extract_lane_s, int16_t, uint32_t)  \
  X(i16x8_extract_lane_u, uint16_t, uint32_t) \
  X(i32x4_extract_lane, uint32_t, uint32_t)   \
  X(i64x2_extract_lane, uint64_t, uint64_t)   \
  X(f32x4_extract_lane, float, float)         \
  X(f64x2_extract_lane, double, double)

// X(prefix of the opcode, type of the vector, type of the scalar)
#define TENON_VECTOR_SHAPES(X) \
  X(i8x16, U8x16, uint32_t)    \
  X(i16x8, U16x8, uint32_t)    \
  X(i32x4, U32x4, uint32_t)    \
  X(i64x2, U64x2, uint64_t)    \
  X(f32x4, F32x4, float)       \
  X(f64x2, F64x2, double)

// X(opcode, type in memory, result from it)
#define TENON_VECTOR_LOADS(X)                             \
  X(v128_load, U64x2, loaded)                             \
  X(v128_load8x8_s, I8x8, widen<I16x8>(loaded))           \
  X(v128_load8x8_u, U8x8, widen<U16x8>(loaded))           \
  X(v128_load16x4_s, I16x4, widen<I32x4>(loaded))         \
  X(v128_load16x4_u, U16x4, widen<U32x4>(loaded))         \
  X(v128_load32x2_s, I32x2, widen<I64x2>(loaded))         \
  X(v128_load32x2_u, U32x2, widen<U64x2>(loaded))         \
  X(v128_load8_splat, uint8_t, splat<U8x16>(loaded))      \
  X(v128_load16_splat, uint16_t, splat<U16x8>(loaded))    \
  X(v128_load32_splat, uint32_t, splat<U32x4>(loaded))    \
  X(v128_load64_splat, uint64_t, splat<U64x2>(loaded))    \
  X(v128_load32_zero, uint32_t, (U32x4{loaded, 0, 0, 0})) \
  X(v128_load64_zero, uint64_t, (U64x2{loaded, 0}))

// X(width in the opcode, type of the lane)
#define TENON_VECTOR_LANE_ACCESSES(X) \
  X(8, uint8_t)                       \
  X(16, uint16_t)                     \
  X(32, uint32_t)                     \
  X(64, uint64_t)

}  // namespace tenon::interp::vector
