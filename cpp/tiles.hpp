// The register tile: R rows by V vectors of a product C = A·B, one accumulator per vector of C.
//
// Each element of C is one chain  c = fma(A(r,k), B(k,n), c)  with k ascending, started from a
// value that the caller gives (zero, a bias, or the sum over earlier k). The chain is the same in
// every tile shape, so neither the tile an element falls into nor the blocking around it (a chain
// may be cut anywhere: a stored partial sum is the accumulator itself) changes its bits.
//
// A is read one scalar at a time and broadcast, so its layout is free: contiguous along the depth
// (Along::depth: rows of activations) or along the rows of C (Along::rows: the same array read as
// its transpose). B is read by vectors and must be contiguous along the columns of C.
#pragma once

#include "vectors.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// The epilogue of the sums of a tile: epilogue(row, column, sum, live) for each vector. `live` has
// all bits set in lanes that are columns of the result and zero in those of the padding.
//
// An epilogue whose class has  static constexpr bool in_registers = true;  is compiled into the
// tile and applied to the accumulators in their registers. That is for light ones (a store, a
// slope, plain gradient descent: they save 10 to 30 % of a product of depth below 32), because the
// code is then repeated for each register and tile shape. Others are applied to the tile in the
// first-level cache (matmul.hpp).
template <class Epilogue>
constexpr bool runs_in_registers = requires { requires Epilogue::in_registers; };

// Stores the sum with its padding lanes (zero, where B's and start's are zero).
template <class T>
struct Store {
    static constexpr bool in_registers = true;
    T* data;
    std::ptrdiff_t stride;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t row, std::ptrdiff_t column, Vec<T> sum,
                                     Ints<T>) const {
        store<T>(data + row * stride + column, sum);
    }
};

// Where A is contiguous: A(r, k) = a[r * stride + k] or a[r + k * stride].
enum class Along { depth, rows };

// 24 accumulators, 2 vectors of B and a broadcast fit 32 registers; 12, 2 and 1 (on SSE one more
// for the product) fit 16. Measured on AVX-512, share of the FMA peak, 784-512-512-10 at 256:
// 12 x 2 and 8 x 3 within 2 % of each other; 12 x 2 wastes less for odd widths.
constexpr int tile_rows = vector_registers == 32 ? 12 : 6;
constexpr int tile_vectors = 2;

// What a tile reads. The start is a row for each row of the tile, start_stride apart (0: the same
// for all), or one entry for each row (the bias of a result that is stored transposed).
template <class T>
struct Operands {
    std::ptrdiff_t depth;
    const T* a;
    std::ptrdiff_t a_stride;
    const T* b;
    std::ptrdiff_t b_stride;
    const T* start;
    std::ptrdiff_t start_stride;
    bool start_by_row = false;
};

// One tile whose first element is (row, column) of the result; `last` is the live mask of its last
// vector. `epilogue_data` is an Epilogue, nameless so that tiles of all kinds have one type.
template <class T>
using TileFunction = void (*)(const Operands<T>&, const void* epilogue_data, std::ptrdiff_t row,
                              std::ptrdiff_t column, Ints<T> last);

template <class T, Along along, int R, int V, class Epilogue>
[[gnu::noinline]] void accumulate(const Operands<T>& from, const void* epilogue_data,
                                  std::ptrdiff_t row, std::ptrdiff_t column, Ints<T> last) {
    // A copy: what it points to would be read again after each store, which might have changed it.
    const Epilogue epilogue = *static_cast<const Epilogue*>(epilogue_data);
    const std::ptrdiff_t depth = from.depth, a_stride = from.a_stride, b_stride = from.b_stride;
    const std::ptrdiff_t start_stride = from.start_stride;
    const T *a = from.a, *b = from.b, *start = from.start;
    Vec<T> sum[R][V];
    if (from.start_by_row) {
        // Not in the padding: totals over the samples of a result stored transposed read it.
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v)
                sum[r][v] = v + 1 < V ? broadcast<T>(start[r])
                                      : from_bits<T>(bits<T>(broadcast<T>(start[r])) & last);
    } else {
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v)
                sum[r][v] = load<T>(start + r * start_stride + v * lanes<T>);
    }

    // Three rows share a base pointer (base, + stride, + 2 stride are addressing modes of x86):
    // with one pointer per row gcc runs out of general registers and spills inside the loop.
    constexpr int groups = (R + 2) / 3;
    const T* base[groups];
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) base[g] = a + 3 * g * (along == Along::depth ? a_stride : 1);

    // A row of A per step, too far apart for the hardware's stride prefetcher (2 KiB at most): 8
    // steps ahead by hand takes the weight gradient of 784-512, batch 256, from 0.72 to 0.86 of
    // the peak. Packing A into tiles first gave 0.87 there and lost 10 % at 784-128.
    const std::uintptr_t ahead = std::uintptr_t(a) + std::uintptr_t(8 * a_stride) * sizeof(T);

#pragma GCC unroll 1
    for (std::ptrdiff_t k = 0; k < depth; ++k) {
        if constexpr (along == Along::rows) {
            const std::uintptr_t next = ahead + std::uintptr_t(k * a_stride) * sizeof(T);
            __builtin_prefetch(reinterpret_cast<const void*>(next));
            if constexpr (R * sizeof(T) > 16)
                __builtin_prefetch(reinterpret_cast<const void*>(next + (R - 1) * sizeof(T)));
        }
        Vec<T> right[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) right[v] = load<T>(b + v * lanes<T>);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            const std::ptrdiff_t offset = along == Along::depth ? r % 3 * a_stride : r % 3;
            const Vec<T> left = broadcast<T>(base[r / 3][offset]);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) sum[r][v] = fma<T>(left, right[v], sum[r][v]);
        }
#pragma GCC unroll 8
        for (int g = 0; g < groups; ++g) base[g] += along == Along::depth ? 1 : a_stride;
        b += b_stride;
    }

    const Ints<T> all = ~Ints<T>{};
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v)
            epilogue(row + r, column + v * lanes<T>, sum[r][v], v + 1 < V ? all : last);
}

// All tiles of one width by their rows: looked up once and run often.
template <class T, Along along, class Epilogue, int V, class Rows>
struct TilesOfWidth;
template <class T, Along along, class Epilogue, int V, std::size_t... before>
struct TilesOfWidth<T, along, Epilogue, V, std::index_sequence<before...>> {
    static constexpr TileFunction<T> of[] = {accumulate<T, along, int(before) + 1, V, Epilogue>...};
};
template <class T, Along along, class Epilogue>
constexpr TileFunction<T> tile_function(std::ptrdiff_t rows, int vectors) {
    using Rows = std::make_index_sequence<tile_rows>;
    return vectors == 2 ? TilesOfWidth<T, along, Epilogue, 2, Rows>::of[rows - 1]
                        : TilesOfWidth<T, along, Epilogue, 1, Rows>::of[rows - 1];
}

// The tile of `rows` (low to high) by V vectors, found by comparisons. A table of functions or a
// switch (which gcc makes a table) costs 5 ns a tile here where the direct call costs none: three
// tiles of 11 x 1, depth 4, took 48 ns instead of 33.
template <class T, Along along, int V, int low, int high, class Epilogue>
CHAINRULE_INLINE void accumulate_rows(std::ptrdiff_t rows, const Operands<T>& from,
                                      Epilogue& epilogue,
                                      std::ptrdiff_t row, std::ptrdiff_t column, Ints<T> last) {
    if constexpr (low == high) {
        accumulate<T, along, low, V, Epilogue>(from, &epilogue, row, column, last);
    } else {
        constexpr int middle = (low + high) / 2;
        if (rows > middle)
            accumulate_rows<T, along, V, middle + 1, high>(rows, from, epilogue, row, column, last);
        else
            accumulate_rows<T, along, V, low, middle>(rows, from, epilogue, row, column, last);
    }
}

// The tile of `rows` (1 to tile_rows) by `vectors` (1 or 2).
template <class T, Along along, class Epilogue>
CHAINRULE_INLINE void accumulate_tile(std::ptrdiff_t rows, int vectors, const Operands<T>& from,
                                      Epilogue& epilogue, std::ptrdiff_t row, std::ptrdiff_t column,
                                      Ints<T> last) {
    static_assert(tile_vectors == 2);
    if (vectors == 2)
        accumulate_rows<T, along, 2, 1, tile_rows>(rows, from, epilogue, row, column, last);
    else
        accumulate_rows<T, along, 1, 1, tile_rows>(rows, from, epilogue, row, column, last);
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
