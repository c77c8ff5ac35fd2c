// Layers with few outputs, and transposes.
//
// Three outputs in sixteen lanes waste thirteen of them, in the product and, worse, in the
// activation. Such a layer runs with samples in the lanes: Zᵀ (outputs x samples) comes from dot
// products along the features, whose partial sums are folded for a whole register of samples at
// once. Its weights are kept transposed, (outputs x inputs); backward and gradient are then plain
// products (matmul.hpp) that read δᵀ one scalar at a time, and nothing is transposed.
//
// Order of the sums: feature k goes to lane k mod n in ascending order, the lanes are folded by
// halves (j + n/2, then j + n/4, ...), the bias is added last. It depends on the width and the
// number type (and, through n, on the instruction set), never on the batch.
#pragma once

#include "vectors.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// Whether a layer of this width should be narrow.
template <class T>
constexpr bool is_narrow(std::ptrdiff_t outputs) {
    return outputs * 4 <= lanes<T> || outputs == 1;
}

// One register from n registers of partial sums: lane s is the folded sum of register s. Each
// round weaves register i with register i + n/2 and adds the halves; after log2(n) rounds lane s
// belongs to register s. 15 additions and 30 shuffles for 16 sums, and the same pairs of lanes as
// sum_lanes, so that a sample's bits are the same in a full block and on its own.
template <class T, int n = lanes<T>>
CHAINRULE_INLINE Vec<T> fold_registers(const Vec<T> (&sums)[n]) {
    if constexpr (n == 1) {
        return sums[0];
    } else {
        Vec<T> woven[n / 2];
#pragma GCC unroll 16
        for (int i = 0; i < n / 2; ++i)
            woven[i] = Weave<T>::low(sums[i], sums[i + n / 2]) +
                       Weave<T>::high(sums[i], sums[i + n / 2]);
        return fold_registers<T, n / 2>(woven);
    }
}

// Partial sums of `count` consecutive rows of X with one row of Wᵀ.
template <class T, int count>
CHAINRULE_INLINE void dot_rows(std::ptrdiff_t depth, const T* X, std::ptrdiff_t stride, const T* w,
                               Vec<T> (&sums)[count]) {
#pragma GCC unroll 16
    for (int s = 0; s < count; ++s) sums[s] = Vec<T>{};
    std::ptrdiff_t k = 0;
    for (; k + lanes<T> <= depth; k += lanes<T>) {
        const Vec<T> weights = load<T>(w + k);
#pragma GCC unroll 16
        for (int s = 0; s < count; ++s)
            sums[s] = fma<T>(load_unaligned<T>(X + s * stride + k), weights, sums[s]);
    }
    if (k < depth) {
        // What stands behind the row is multiplied too, and must not be an infinity or NaN.
        const int rest = int(depth - k);
        const Vec<T> weights = load<T>(w + k);
#pragma GCC unroll 16
        for (int s = 0; s < count; ++s)
            sums[s] = fma<T>(keep_first<T>(load_unaligned<T>(X + s * stride + k), rest), weights,
                             sums[s]);
    }
}

// Zᵀ(o, s) = Σ_k X(s, k) Wᵀ(o, k) + b(o) for samples [begin, end), begin a multiple of lanes<T>.
// finish(o, s, sums, live) is called for each output and register of samples, s a multiple of
// lanes<T>, `live` as in matmul.hpp. Rows of X must be readable up to padded<T>(depth), whatever
// stands there; rows of Wᵀ are aligned and zero there. `bias` may be null.
template <class T, class Finish>
void forward_narrow(std::ptrdiff_t begin, std::ptrdiff_t end, std::ptrdiff_t outputs,
                    std::ptrdiff_t depth, const T* X, std::ptrdiff_t x_stride, const T* Wt,
                    std::ptrdiff_t w_stride, const T* bias, Finish&& finish) {
    for (std::ptrdiff_t s = begin; s < end; s += lanes<T>) {
        const int count = end - s < lanes<T> ? int(end - s) : lanes<T>;
        for (std::ptrdiff_t o = 0; o < outputs; ++o) {
            const T* const x = X + s * x_stride;
            const T* const w = Wt + o * w_stride;
            Vec<T> z{};
            if (count == lanes<T>) {
                Vec<T> sums[lanes<T>];
                dot_rows<T>(depth, x, x_stride, w, sums);
                z = fold_registers<T>(sums);
            } else {
                for (int i = 0; i < count; ++i) {
                    Vec<T> sum[1];
                    dot_rows<T>(depth, x + i * x_stride, x_stride, w, sum);
                    z[i] = sum_lanes<T>(sum[0]);
                }
            }
            if (bias) z += broadcast<T>(bias[o]);
            finish(o, s, z, first_lanes<T>(count));
        }
    }
}

// out(c, r) = in(r, c) by square blocks held in registers, for in-rows [0, rows) and columns
// [column_begin, column_end), column_begin a multiple of lanes<T>. Columns of `out` from `rows` to
// the next multiple of lanes<T> become zero; `in` is read up to the padded width, `out` must not
// overlap it. Threads share by ranges of columns.
template <class T>
void transpose(std::ptrdiff_t rows, std::ptrdiff_t column_begin, std::ptrdiff_t column_end,
               const T* in, std::ptrdiff_t in_stride, T* out, std::ptrdiff_t out_stride) {
    constexpr int n = lanes<T>;
    for (std::ptrdiff_t c = column_begin; c < column_end; c += n) {
        const std::ptrdiff_t live = column_end - c < n ? column_end - c : n;
        for (std::ptrdiff_t r = 0; r < rows; r += n) {
            Vec<T> block[n];
            if (rows - r >= n) {
#pragma GCC unroll 16
                for (int i = 0; i < n; ++i) block[i] = load<T>(in + (r + i) * in_stride + c);
            } else {
#pragma GCC unroll 16
                for (int i = 0; i < n; ++i)
                    block[i] = r + i < rows ? load<T>(in + (r + i) * in_stride + c) : Vec<T>{};
            }
#pragma GCC unroll 4
            for (int round = 1; round < n; round *= 2) {
                Vec<T> woven[n];
#pragma GCC unroll 16
                for (int i = 0; i < n / 2; ++i) {
                    woven[2 * i] = Weave<T>::low(block[i], block[i + n / 2]);
                    woven[2 * i + 1] = Weave<T>::high(block[i], block[i + n / 2]);
                }
#pragma GCC unroll 16
                for (int i = 0; i < n; ++i) block[i] = woven[i];
            }
#pragma GCC unroll 16
            for (int i = 0; i < n; ++i)
                if (i < live) store<T>(out + (c + i) * out_stride + r, block[i]);
        }
    }
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
