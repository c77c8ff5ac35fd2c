// Layers with few outputs, and transposes.
//
// Ten outputs in sixteen lanes waste six of them, in the product and, worse, in the
// activation. Such a layer runs with samples in the lanes: Zᵀ (outputs x samples) is computed by
// dot products along the features, whose partial sums are folded for a whole register of samples at
// once. Its weights are stored transposed, (outputs x inputs); backward and gradient are then plain
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
    return outputs * 8 <= lanes<T> * 5 || outputs == 1;
}

// One register from n registers of partial sums: lane s is the folded sum of register s. Each
// round weaves register i with register i + n/2 and adds the halves; after log2(n) rounds lane s
// belongs to register s. 15 additions and 30 shuffles for 16 sums, and the same pairs of lanes as
// sum_lanes, so that a sample's bits are the same in a full block and on its own. Fewer registers
// than lanes are side by side in the last one, which is then folded onto its first lanes.
template <class T, int n = lanes<T>, int all = n>
CHAINRULE_INLINE Vec<T> fold_registers(const Vec<T> (&sums)[n]) {
    if constexpr (n == 1) {
        return fold_onto<T, lanes<T> / 2, all>(sums[0]);
    } else {
        Vec<T> woven[n / 2];
#pragma GCC unroll 16
        for (int i = 0; i < n / 2; ++i)
            woven[i] = Weave<T>::low(sums[i], sums[i + n / 2]) +
                       Weave<T>::high(sums[i], sums[i + n / 2]);
        return fold_registers<T, n / 2, all>(woven);
    }
}

// Four sums are folded at once where a register has room for more.
template <class T>
constexpr int few = lanes<T> < 4 ? lanes<T> : 4;

// n consecutive rows of X, or fewer: the last one is used for those that are missing.
template <class T, int n>
struct Rows {
    const T* at[n];
    CHAINRULE_INLINE Rows(const T* X, std::ptrdiff_t stride, int rows) {
#pragma GCC unroll 16
        for (int s = 0; s < n; ++s) at[s] = X + (s < rows ? s : rows - 1) * stride;
    }
    // The padding of a row must not be an infinity or NaN: it is multiplied too.
    CHAINRULE_INLINE Vec<T> entries(int s, std::ptrdiff_t k, Ints<T> live) const {
        return from_bits<T>(bits<T>(load_unaligned<T>(at[s] + k)) & live);
    }
};

// One block of samples of a narrow layer: `rows` (up to n) samples, all outputs.
template <class T, int n, class Epilogue>
CHAINRULE_INLINE void narrow_block(int rows, std::ptrdiff_t outputs, std::ptrdiff_t depth,
                                   const T* X, std::ptrdiff_t stride, const T* Wt,
                                   std::ptrdiff_t w_stride, const T* bias, std::ptrdiff_t sample,
                                   Epilogue& epilogue) {
    const Rows<T, n> x(X, stride, rows);
    const Ints<T> live = first_lanes<T>(rows);
    const std::ptrdiff_t whole = depth / lanes<T> * lanes<T>;
    const Ints<T> rest = first_lanes<T>(int(depth - whole));
    Vec<T> end[n] = {};  // the entries behind the last whole register, the same for all outputs
    if (whole < depth)
#pragma GCC unroll 16
        for (int s = 0; s < n; ++s) end[s] = x.entries(s, whole, rest);
    for (std::ptrdiff_t o = 0; o < outputs; ++o, Wt += w_stride) {
        Vec<T> sums[n] = {};
        for (std::ptrdiff_t k = 0; k < whole; k += lanes<T>) {
            const Vec<T> weights = load<T>(Wt + k);
#pragma GCC unroll 16
            for (int s = 0; s < n; ++s)
                sums[s] = fma<T>(load_unaligned<T>(x.at[s] + k), weights, sums[s]);
        }
        if (whole < depth) {
            const Vec<T> weights = load<T>(Wt + whole);
#pragma GCC unroll 16
            for (int s = 0; s < n; ++s) sums[s] = fma<T>(end[s], weights, sums[s]);
        }
        Vec<T> z = fold_registers<T>(sums);
        if (bias) z += broadcast<T>(bias[o]);
        epilogue(o, sample, z, live);
    }
}

// The sums along up to n rows, side by side.
template <class T, int n>
CHAINRULE_INLINE Vec<T> some_row_sums(int rows, std::ptrdiff_t depth, const T* data,
                                      std::ptrdiff_t stride) {
    const Rows<T, n> row(data, stride, rows);
    Vec<T> sums[n] = {};
    for (std::ptrdiff_t k = 0; k < depth; k += lanes<T>)
#pragma GCC unroll 16
        for (int i = 0; i < n; ++i) sums[i] += load<T>(row.at[i] + k);
    return fold_registers<T>(sums);
}

// Zᵀ(o, s) = Σ_k X(s, k) Wᵀ(o, k) + b(o) for samples [begin, end), begin a multiple of lanes<T>.
// epilogue(o, s, sums, live) is called for each output and register of samples, s a multiple of
// lanes<T>, `live` as in matmul.hpp. Rows of X must be readable up to padded<T>(depth), with any
// finite entries there; rows of Wᵀ are aligned and zero there. `bias` may be null.
template <class T, class Epilogue>
void forward_narrow(std::ptrdiff_t begin, std::ptrdiff_t end, std::ptrdiff_t outputs,
                    std::ptrdiff_t depth, const T* X, std::ptrdiff_t x_stride, const T* Wt,
                    std::ptrdiff_t w_stride, const T* bias, Epilogue&& epilogue) {
    std::ptrdiff_t s = begin;
    for (; s + lanes<T> <= end; s += lanes<T>)
        narrow_block<T, lanes<T>>(lanes<T>, outputs, depth, X + s * x_stride, x_stride, Wt,
                                  w_stride, bias, s, epilogue);
    const int rest = int(end - s);
    if (rest == 0) return;
    X += s * x_stride;
    if (rest <= 2)
        narrow_block<T, 2>(rest, outputs, depth, X, x_stride, Wt, w_stride, bias, s, epilogue);
    else if (rest <= few<T>)
        narrow_block<T, few<T>>(rest, outputs, depth, X, x_stride, Wt, w_stride, bias, s, epilogue);
    else
        narrow_block<T, lanes<T>>(rest, outputs, depth, X, x_stride, Wt, w_stride, bias, s,
                                  epilogue);
}

// The sums along `rows` rows of `depth` entries, side by side: epilogue(0, row, sums, live), row
// a multiple of lanes<T>. Padding is added too: it has to be zero.
template <class T, class Epilogue>
void row_sums(std::ptrdiff_t rows, std::ptrdiff_t depth, const T* data, std::ptrdiff_t stride,
              Epilogue&& epilogue) {
    for (std::ptrdiff_t r = 0; r < rows; r += lanes<T>) {
        const int count = rows - r < lanes<T> ? int(rows - r) : lanes<T>;
        const T* const from = data + r * stride;
        const Vec<T> sums = count <= 2        ? some_row_sums<T, 2>(count, depth, from, stride)
                            : count <= few<T> ? some_row_sums<T, few<T>>(count, depth, from, stride)
                                           : some_row_sums<T, lanes<T>>(count, depth, from, stride);
        epilogue(0, r, sums, first_lanes<T>(count));
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
