// A formula applied to a block of entries: the arguments of generated kernels and of the tape.
#pragma once

#include "primitives.hpp"
#include "program.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

constexpr int most_operands = 16, most_scalars = 16, most_stores = 8, most_sums = 4;

// Operand i of row r: vectors at in[i] + r * step[i], or one entry there that is broadcast (which,
// is part of the formula's text). Stores go to out[i] + r * out_step[i]; lanes beyond the last
// column are stored as zero, which every reader of padding relies on.
template <class T>
struct Call {
    std::ptrdiff_t rows, columns;
    const T* in[most_operands];
    std::ptrdiff_t step[most_operands];
    T scalar[most_scalars];
    T* out[most_stores];
    std::ptrdiff_t out_step[most_stores];
    double sum[most_sums];  // added to
};

template <class T>
CHAINRULE_INLINE Vec<T> masked(Vec<T> value, Ints<T> live) {
    return from_bits<T>(bits<T>(value) & live);
}

// The mask of a row's last vector.
template <class T>
CHAINRULE_INLINE Ints<T> last_lanes(std::ptrdiff_t columns) {
    return first_lanes<T>(int((columns - 1) & (lanes<T> - 1)) + 1);
}

// 1 where x > y, 0 elsewhere (NaN: 0).
template <class T>
CHAINRULE_INLINE Vec<T> greater(Vec<T> x, Vec<T> y) {
    return from_bits<T>(bits<T>(broadcast<T>(T(1))) & (Ints<T>)(x > y));
}

// 1 where x = y, 0 elsewhere (NaN: 0).
template <class T>
CHAINRULE_INLINE Vec<T> equal(Vec<T> x, Vec<T> y) {
    return from_bits<T>(bits<T>(broadcast<T>(T(1))) & (Ints<T>)(x == y));
}

// x where the condition is not 0, y elsewhere.
template <class T>
CHAINRULE_INLINE Vec<T> where(Vec<T> condition, Vec<T> x, Vec<T> y) {
    return condition != T(0) ? x : y;
}

// x^y lane by lane, for exponents without a product or root: rare and slow.
template <class T>
[[gnu::noinline]] Vec<T> power(Vec<T> x, Vec<T> y) {
    Vec<T> result{};
    for (int lane = 0; lane < lanes<T>; ++lane)
        result[lane] = T(__builtin_pow(double(x[lane]), double(y[lane])));
    return result;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
