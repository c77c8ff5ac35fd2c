// The matrix products of a dense layer, with what follows the product applied while the tile is
// still in the first-level cache.
//
//   forward    Z = X·W + b      multiply<T, Along::depth>: A = X, B = W,  start = b
//   backward   dA = δ·Wᵀ        multiply<T, Along::depth>: A = δ, B = Wᵀ (transposed once a step)
//   gradient   G = Xᵀ·δ         multiply<T, Along::rows>:  A = X, B = δ
//
// A layer with few outputs keeps W transposed and Zᵀ, δᵀ with samples in the lanes (narrow.hpp):
//
//   backward   dA = δ·Wᵀ        multiply<T, Along::rows>:  A = δᵀ, B = Wᵀ
//   gradient   Gᵀ = δᵀ·X        multiply<T, Along::depth>: A = δᵀ, B = X
//
// Order of the sums: every element is one fma chain over k = 0, 1, 2, ... (features in forward and
// backward, samples in the gradient). It does not depend on the sizes of the result, on the
// position of a row, on the blocking, nor on which thread takes which range of rows and columns.
//
// Arrays are row-major and 64-byte aligned, strides are multiples of a vector (A excepted: it may
// have any address and stride). Columns of B and of the start row between the width and the
// next multiple of a vector are read: they must be zero. Nothing is allocated.
#pragma once

#include "tiles.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A stride for rows of `width` elements: an integer number of vectors, and an odd number of cache
// lines once rows are long. With a stride of 2 KiB the rows of a panel fall into two of the 64
// sets of the first-level cache (measured without depth blocks: 0.63 of the peak against 0.87).
template <class T>
constexpr std::ptrdiff_t row_stride(std::ptrdiff_t width) {
    constexpr std::ptrdiff_t line = 64 / std::ptrdiff_t(sizeof(T));
    const std::ptrdiff_t stride = padded<T>(width);
    if (stride < 8 * line) return stride;
    const std::ptrdiff_t lines = (stride + line - 1) / line;
    return (lines | 1) * line;
}

// What is broadcast: A(r, k), contiguous along the depth or along the rows.
template <class T>
struct Left {
    const T* data;
    std::ptrdiff_t stride;
};

// What is read by vectors: B(k, n) = data[k * stride + n].
template <class T>
struct Right {
    const T* data;
    std::ptrdiff_t stride;
};

// Memory for sums that are not complete, needed only where depth > depth_block<T>; the memory of
// the result itself can be used if the result is stored. Without it the depth is not blocked.
template <class T>
struct Partial {
    T* data = nullptr;
    std::ptrdiff_t stride = 0;
};

// The part of the result to compute: rows and columns [begin, end). column_begin is a multiple of
// lanes<T>; threads share a product by taking disjoint blocks.
struct Block {
    std::ptrdiff_t row_begin, row_end, column_begin, column_end;
};

// A panel of B (depth_block x 2 vectors) takes at most 32 KiB of the first-level cache; of A,
// block_elements are read again for each panel and stay in the second-level cache.
template <class T>
constexpr std::ptrdiff_t depth_block = 32768 / (tile_vectors * vector_bytes);
template <class T>
constexpr std::ptrdiff_t block_elements = 393216 / std::ptrdiff_t(sizeof(T));

// Where piece i of `count` nearly equal pieces begins (the first ones are longer by one). The
// products of a tiny network take 30 ns each: ten 64-bit divisions had doubled that, so the usual
// case of one piece makes none.
constexpr std::ptrdiff_t piece_begin(std::ptrdiff_t whole, std::ptrdiff_t count,
                                     std::ptrdiff_t i) {
    if (count == 1) return i == 0 ? 0 : whole;
    return whole / count * i + (i < whole % count ? i : whole % count);
}
constexpr std::ptrdiff_t pieces(std::ptrdiff_t whole, std::ptrdiff_t largest) {
    return whole <= largest ? 1 : (whole + largest - 1) / largest;
}

template <class T>
alignas(64) inline constexpr T zero_row[tile_vectors * lanes<T>] = {};

// An epilogue that is not compiled into the tile runs over the stored tile, so that the code of an
// activation is in the program once and not once per register.
template <class T, class Epilogue>
CHAINRULE_INLINE void apply_epilogue(const T* tile, std::ptrdiff_t row, std::ptrdiff_t rows,
                                  std::ptrdiff_t column, int vectors, Ints<T> last,
                                  Epilogue& epilogue) {
    const Ints<T> all = ~Ints<T>{};
    if (vectors == 1) {
        for (std::ptrdiff_t r = 0; r < rows; ++r, tile += lanes<T>)
            epilogue(row + r, column, load<T>(tile), last);
    } else {
        for (std::ptrdiff_t r = 0; r < rows; ++r, tile += 2 * lanes<T>) {
            epilogue(row + r, column, load<T>(tile), all);
            epilogue(row + r, column + lanes<T>, load<T>(tile + lanes<T>), last);
        }
    }
}

// One pass over rows [row, row_end) and columns of a block, for k in [0, depth) of what A and B
// point to. The sums start from rows of `start`, start_row apart (null: from zero).
template <class T, Along along, class Epilogue>
void pass(Block block, std::ptrdiff_t depth, Left<T> A, Right<T> B, const T* start,
          std::ptrdiff_t start_row, Epilogue& epilogue) {
    static_assert(tile_vectors == 2, "apply_epilogue has code for one and two vectors");
    constexpr bool direct = runs_in_registers<Epilogue>;
    alignas(64) T tile[direct ? 1 : tile_rows * tile_vectors * lanes<T>];
    const std::ptrdiff_t rows = block.row_end - block.row_begin;
    // Even heights: 13 rows run as 7 + 6; as 12 + 1 the last tile waits for its chains' latency.
    const std::ptrdiff_t tiles = (rows + tile_rows - 1) / tile_rows;
    const auto narrow_rows = static_cast<std::uint32_t>(rows);  // at most block_elements
    const std::ptrdiff_t height = narrow_rows / static_cast<std::uint32_t>(tiles);
    const std::ptrdiff_t taller = rows - height * tiles;
    const std::ptrdiff_t a_row = along == Along::depth ? A.stride : 1;

    std::ptrdiff_t column = block.column_begin;
    while (column < block.column_end) {
        const std::ptrdiff_t rest = block.column_end - column;
        const int vectors = rest > lanes<T> ? 2 : 1;
        const std::ptrdiff_t in_last = rest - (vectors - 1) * lanes<T>;
        const Ints<T> last = first_lanes<T>(in_last < lanes<T> ? int(in_last) : lanes<T>);
        Operands<T> from = {depth,    nullptr, A.stride,  B.data + column,
                            B.stride, nullptr, start_row, false};
        std::ptrdiff_t row = block.row_begin;
        for (std::ptrdiff_t t = 0; t < tiles; ++t) {
            const std::ptrdiff_t here = height + (t < taller);
            from.a = A.data + row * a_row;
            from.start = start ? start + row * start_row + column : zero_row<T>;
            if constexpr (direct) {
                accumulate_tile<T, along>(here, vectors, from, epilogue, row, column, last);
            } else {
                Store<T> to{tile, vectors * lanes<T>};
                accumulate_tile<T, along>(here, vectors, from, to, 0, 0, last);
                apply_epilogue<T>(tile, row, here, column, vectors, last, epilogue);
            }
            row += here;
        }
        column += vectors * lanes<T>;
    }
}

// The product over one block. `start` is a row added to each row of the result (a bias), or null.
template <class T, Along along, class Epilogue>
void multiply(Block block, std::ptrdiff_t depth, Left<T> A, Right<T> B, const T* start,
              Epilogue&& epilogue, Partial<T> partial = {}) {
    const std::ptrdiff_t rows = block.row_end - block.row_begin;
    if (rows <= 0 || block.column_end <= block.column_begin) return;
    const std::ptrdiff_t depth_pieces = partial.data ? pieces(depth, depth_block<T>) : 1;
    const std::ptrdiff_t reach = depth_pieces > 1 ? depth_block<T> : depth;
    const std::ptrdiff_t row_pieces =
        rows * reach <= block_elements<T> ? 1 : pieces(rows, block_elements<T> / depth_block<T>);

    for (std::ptrdiff_t i = 0; i < row_pieces; ++i) {
        const Block part = {block.row_begin + piece_begin(rows, row_pieces, i),
                            block.row_begin + piece_begin(rows, row_pieces, i + 1),
                            block.column_begin, block.column_end};
        for (std::ptrdiff_t d = 0; d < depth_pieces; ++d) {
            const std::ptrdiff_t k = piece_begin(depth, depth_pieces, d);
            const std::ptrdiff_t steps = piece_begin(depth, depth_pieces, d + 1) - k;
            const Left<T> a = {A.data + k * (along == Along::depth ? 1 : A.stride), A.stride};
            const Right<T> b = {B.data + k * B.stride, B.stride};
            const T* const from = d > 0 ? partial.data : start;
            const std::ptrdiff_t from_row = d > 0 ? partial.stride : 0;
            if (d + 1 < depth_pieces) {
                Store<T> sums{partial.data, partial.stride};
                pass<T, along>(part, steps, a, b, from, from_row, sums);
            } else {
                pass<T, along>(part, steps, a, b, from, from_row, epilogue);
            }
        }
    }
}

template <class T, int V, class Epilogue>
CHAINRULE_INLINE void column_sums_of(std::ptrdiff_t rows, const T* from, std::ptrdiff_t stride,
                                     std::ptrdiff_t rest, std::ptrdiff_t column,
                                     Epilogue& epilogue) {
    Vec<T> sum[4][V] = {};
    std::ptrdiff_t r = 0;
    for (; r + 4 <= rows; r += 4, from += 4 * stride)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) sum[i][v] += load<T>(from + i * stride + v * lanes<T>);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i)
        if (r + i < rows)
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) sum[i][v] += load<T>(from + i * stride + v * lanes<T>);
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
        const std::ptrdiff_t left = rest - v * lanes<T>;
        epilogue(0, column + v * lanes<T>, (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]),
               first_lanes<T>(left < lanes<T> ? int(left) : lanes<T>));
    }
}

// The gradient of the bias: column sums of δ (samples x columns). Sample r goes to sum r mod 4, so
// that 32 samples do not wait for 32 additions one after the other; then (0 + 1) + (2 + 3).
// epilogue(0, column, sum, live) as above.
template <class T, class Epilogue>
void column_sums(std::ptrdiff_t rows, std::ptrdiff_t column_begin, std::ptrdiff_t column_end,
                 const T* data, std::ptrdiff_t stride, Epilogue&& epilogue) {
    std::ptrdiff_t column = column_begin;
    while (column < column_end) {
        const std::ptrdiff_t rest = column_end - column;
        const T* from = data + column;
        if (rest > lanes<T>) {
            column_sums_of<T, 2>(rows, from, stride, rest, column, epilogue);
            column += 2 * lanes<T>;
        } else {
            column_sums_of<T, 1>(rows, from, stride, rest, column, epilogue);
            column += lanes<T>;
        }
    }
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
