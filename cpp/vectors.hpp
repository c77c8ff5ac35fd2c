// Vectors of the native width as plain values of the compiler's vector types (GCC and Clang):
// 64 bytes on x86-64-v4, 32 on v3, 16 on v2 and aarch64. Arithmetic and comparisons are operators;
// this file adds what has none: memory, masks, fma, bits, weaving and folding of lanes.
#pragma once

#include <utility>

#include "isa.hpp"

#if defined(CHAINRULE_NEON)
#include <arm_neon.h>
#else
#include <immintrin.h>  // always_inline wrappers of builtins: no symbol is emitted
#endif

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

#if defined(CHAINRULE_AVX512)
constexpr int vector_bytes = 64;
constexpr int vector_registers = 32;
#elif defined(CHAINRULE_AVX2)
constexpr int vector_bytes = 32;
constexpr int vector_registers = 16;
#elif defined(CHAINRULE_NEON)
constexpr int vector_bytes = 16;
constexpr int vector_registers = 32;
#else
constexpr int vector_bytes = 16;
constexpr int vector_registers = 16;
#endif

// Whether fma() rounds once. On x86-64-v2 it is a product and a sum, each rounded: results differ
// from the other instruction sets in the last bits, and are the same for every lane and position.
#if defined(CHAINRULE_AVX512) || defined(CHAINRULE_AVX2) || defined(CHAINRULE_NEON)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

template <class T>
struct VectorOf;

template <>
struct VectorOf<float> {
    typedef float type __attribute__((vector_size(vector_bytes)));
    typedef float packed __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
    typedef std::int32_t integers __attribute__((vector_size(vector_bytes)));
    typedef std::uint32_t words __attribute__((vector_size(vector_bytes)));
    using integer = std::int32_t;
    using word = std::uint32_t;
};

template <>
struct VectorOf<double> {
    typedef double type __attribute__((vector_size(vector_bytes)));
    typedef double packed __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
    typedef std::int64_t integers __attribute__((vector_size(vector_bytes)));
    typedef std::uint64_t words __attribute__((vector_size(vector_bytes)));
    using integer = std::int64_t;
    using word = std::uint64_t;
};

// Vec<T>: one register of T. Ints<T>: integers of the same width, one per lane, as comparisons
// give them. Words<T>: the same without sign, for arithmetic on bits that may wrap around.
template <class T>
using Vec = typename VectorOf<T>::type;
template <class T>
using Ints = typename VectorOf<T>::integers;
template <class T>
using Words = typename VectorOf<T>::words;
template <class T>
using Int = typename VectorOf<T>::integer;
template <class T>
using Word = typename VectorOf<T>::word;

template <class T>
constexpr int lanes = vector_bytes / int(sizeof(T));

// The smallest multiple of the vector length that holds `count` elements.
template <class T>
constexpr std::ptrdiff_t padded(std::ptrdiff_t count) {
    return (count + lanes<T> - 1) / lanes<T> * lanes<T>;
}

template <class T>
CHAINRULE_INLINE Vec<T> broadcast(T value) {
    return value - Vec<T>{};  // value - (+0) keeps every value, -0 and NaN included
}

// Memory is reached through `packed`: it may alias the scalars in memory, and it informs the
// compiler nothing about alignment. Aligned forms add that knowledge (on AVX the instructions are
// the same; SSE folds only aligned operands into arithmetic).
template <class T>
CHAINRULE_INLINE Vec<T> load_unaligned(const T* from) {
    return *reinterpret_cast<const typename VectorOf<T>::packed*>(from);
}

template <class T>
CHAINRULE_INLINE void store_unaligned(T* to, Vec<T> value) {
    *reinterpret_cast<typename VectorOf<T>::packed*>(to) = value;
}

template <class T>
CHAINRULE_INLINE Vec<T> load(const T* from) {  // from is aligned to vector_bytes
    return load_unaligned(static_cast<const T*>(__builtin_assume_aligned(from, vector_bytes)));
}

template <class T>
CHAINRULE_INLINE void store(T* to, Vec<T> value) {  // to is aligned to vector_bytes
    store_unaligned(static_cast<T*>(__builtin_assume_aligned(to, vector_bytes)), value);
}

// Bits.
template <class T>
CHAINRULE_INLINE Ints<T> bits(Vec<T> value) {
    return (Ints<T>)value;
}
template <class T>
CHAINRULE_INLINE Vec<T> from_bits(Ints<T> value) {
    return (Vec<T>)value;
}
template <class T>
CHAINRULE_INLINE Words<T> words(Vec<T> value) {
    return (Words<T>)value;
}
template <class T>
CHAINRULE_INLINE Vec<T> from_words(Words<T> value) {
    return (Vec<T>)value;
}

// 0, 1, 2, ... one per lane.
template <class T>
CHAINRULE_INLINE Ints<T> lane_numbers() {
    Ints<T> numbers{};
    for (int lane = 0; lane < lanes<T>; ++lane) numbers[lane] = Int<T>(lane);
    return numbers;
}

// All ones in the first `count` lanes, zero in the others.
template <class T>
CHAINRULE_INLINE Ints<T> first_lanes(int count) {
    return lane_numbers<T>() < Int<T>(count);
}

// Lane by lane: mask ? yes : no. The mask is a comparison's result (0 or all ones).
template <class T>
CHAINRULE_INLINE Vec<T> select(Ints<T> mask, Vec<T> yes, Vec<T> no) {
    return mask ? yes : no;
}

template <class T>
CHAINRULE_INLINE Vec<T> keep_first(Vec<T> value, int count) {
    return from_bits<T>(bits<T>(value) & first_lanes<T>(count));
}

// The first `count` elements, zero in the other lanes; nothing behind them is touched.
// count may be anything from 0 to lanes<T>.
template <class T>
CHAINRULE_INLINE Vec<T> load_first(const T* from, int count) {
#if defined(CHAINRULE_AVX512)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1u), from);
    else
        return (Vec<T>)_mm512_maskz_loadu_pd(__mmask8((1u << count) - 1u), from);
#elif defined(CHAINRULE_AVX2)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_maskload_ps(from, (__m256i)first_lanes<T>(count));
    else
        return (Vec<T>)_mm256_maskload_pd(from, (__m256i)first_lanes<T>(count));
#else
    Vec<T> value{};
    for (int lane = 0; lane < count; ++lane) value[lane] = from[lane];
    return value;
#endif
}

template <class T>
CHAINRULE_INLINE void store_first(T* to, Vec<T> value, int count) {
#if defined(CHAINRULE_AVX512)
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(to, __mmask16((1u << count) - 1u), (__m512)value);
    else
        _mm512_mask_storeu_pd(to, __mmask8((1u << count) - 1u), (__m512d)value);
#elif defined(CHAINRULE_AVX2)
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(to, (__m256i)first_lanes<T>(count), (__m256)value);
    else
        _mm256_maskstore_pd(to, (__m256i)first_lanes<T>(count), (__m256d)value);
#else
    for (int lane = 0; lane < count; ++lane) to[lane] = value[lane];
#endif
}

// a * b + c, rounded once where `fused`. A loop over __builtin_fma needs no intrinsic, but only
// gcc -O2 and above turn it into one vfmadd: sanitizer and debug builds became 16 scalar calls.
template <class T>
CHAINRULE_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(CHAINRULE_AVX512)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    else
        return (Vec<T>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(CHAINRULE_AVX2)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    else
        return (Vec<T>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(CHAINRULE_NEON)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
    else
        return (Vec<T>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}

// c - a * b, rounded once where `fused`.
template <class T>
CHAINRULE_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return fma<T>(-a, b, c);
}

// Two registers woven together: low(a, b) = a0 b0 a1 b1 ..., high(a, b) continues with the upper
// halves. log2(lanes) rounds of both transpose a square block (see matmul.hpp).
template <class T>
struct Weave {
    template <std::size_t... I>
    CHAINRULE_INLINE static Vec<T> pick(Vec<T> a, Vec<T> b, std::index_sequence<I...>,
                                        bool upper) {
        constexpr int n = lanes<T>;
        if (upper)
            return __builtin_shufflevector(a, b, (int(I) / 2 + n / 2 + int(I) % 2 * n)...);
        return __builtin_shufflevector(a, b, (int(I) / 2 + int(I) % 2 * n)...);
    }
    CHAINRULE_INLINE static Vec<T> low(Vec<T> a, Vec<T> b) {
        return pick(a, b, std::make_index_sequence<lanes<T>>{}, false);
    }
    CHAINRULE_INLINE static Vec<T> high(Vec<T> a, Vec<T> b) {
        return pick(a, b, std::make_index_sequence<lanes<T>>{}, true);
    }
};

// The lanes' sum (largest, smallest), always by halves: lane j with j + n/2, then j + n/4, ...
template <class T, int distance, std::size_t... I>
CHAINRULE_INLINE Vec<T> rotate(Vec<T> v, std::index_sequence<I...>) {
    return __builtin_shufflevector(v, v, ((int(I) + distance) % lanes<T>)...);
}
template <class T, int distance = lanes<T> / 2, class Operation>
CHAINRULE_INLINE T fold_lanes(Vec<T> value, Operation combine) {
    if constexpr (distance == 0) return value[0];
    else {
        const Vec<T> other = rotate<T, distance>(value, std::make_index_sequence<lanes<T>>{});
        return fold_lanes<T, distance / 2>(combine(value, other), combine);
    }
}
// The same down to the first `all` lanes, each of which keeps the sum of its own class of lanes.
template <class T, int distance, int all>
CHAINRULE_INLINE Vec<T> fold_onto(Vec<T> value) {
    if constexpr (distance < all) return value;
    else
        return fold_onto<T, distance / 2, all>(
            value + rotate<T, distance>(value, std::make_index_sequence<lanes<T>>{}));
}
template <class T>
CHAINRULE_INLINE T sum_lanes(Vec<T> value) {
    return fold_lanes<T>(value, [](Vec<T> a, Vec<T> b) { return a + b; });
}
template <class T>
CHAINRULE_INLINE T largest_lane(Vec<T> value) {  // a NaN in any lane is returned
    return fold_lanes<T>(value, [](Vec<T> a, Vec<T> b) {
        const Vec<T> larger = a > b ? a : b;
        return a != a ? a : larger;
    });
}
template <class T>
CHAINRULE_INLINE T smallest_lane(Vec<T> value) {  // a NaN in any lane is returned
    return fold_lanes<T>(value, [](Vec<T> a, Vec<T> b) {
        const Vec<T> smaller = a < b ? a : b;
        return a != a ? a : smaller;
    });
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
