// Instructions made ready: everything that is the same in each step of batches of one length looked
// up once, so that a step is a list of direct calls. A step of a tiny network had spent nine tenths
// of its 3,700 instructions on finding out what to do.
#pragma once

#include "formula.hpp"
#include "matmul.hpp"
#include "narrow.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
using Kernel = void (*)(Call<T>&);

template <class T>
struct Bound;

// Runs an instruction; false: the step ends here.
template <class T>
using Action = bool (*)(Bound<T>&);

template <class T>
struct Bound {
    Action<T> action;  // null: the machine finds its way each time

    // What is read where: matrices may lie elsewhere in each step (rows of the caller's data), so
    // their place is looked up by reference.
    T* const* a;
    T* const* b;
    const std::ptrdiff_t* a_stride;
    const std::ptrdiff_t* b_stride;
    std::ptrdiff_t rows, columns;

    // A product by tiles: `tall` of height + 1 rows, then others of `height`, over panels of two
    // vectors, and at last one of `last_vectors`.
    Operands<T> from;
    Store<T> into;
    Ints<T> last;
    const T* bias;
    const T* start;  // the sums' first row; start_steps: whether it goes along with the columns
    bool one_tile, start_steps;
    TileFunction<T> tall_tile[2], tile[2];  // in a panel of two vectors, in the last one
    std::ptrdiff_t tiles, tall, height, panels;

    // Scalar code, and what is checked.
    void* machine;
    const Step *code, *code_end;
    const double* checked[2];

    // The formula.
    Kernel<T> kernel;
    Call<T> call;
    T* const* moved_from[most_operands];
    int moved[most_operands];
    int moving;
    int sums;
    double* sum_into[most_sums];
    int unsettled;  // scalars that change during a step
    int unsettled_number[most_scalars];
    const double* unsettled_from[most_scalars];
};

// The formula's operands and scalars as they are in this step.
template <class T>
CHAINRULE_INLINE void refresh(Bound<T>& o) {
    for (int m = 0; m < o.moving; ++m) o.call.in[o.moved[m]] = *o.moved_from[m];
    for (int s = 0; s < o.unsettled; ++s)
        o.call.scalar[o.unsettled_number[s]] = T(*o.unsettled_from[s]);
}

template <class T>
CHAINRULE_INLINE void apply(Bound<T>& o) {
    refresh(o);
    for (int s = 0; s < o.sums; ++s) o.call.sum[s] = 0.0;
    o.kernel(o.call);
    for (int s = 0; s < o.sums; ++s) *o.sum_into[s] = o.call.sum[s];
}

template <class T, Along along>
CHAINRULE_INLINE void run_tiles(Bound<T>& o, const void* finish) {
    Operands<T>& from = o.from;
    const T* const a = *o.a;
    const T* const b = *o.b;
    from.a_stride = *o.a_stride;
    from.b_stride = *o.b_stride;
    from.a = a;
    from.b = b;
    from.start = o.start;
    if (o.one_tile) {
        o.tile[1](from, finish, 0, 0, o.last);
        return;
    }
    const std::ptrdiff_t a_row = along == Along::depth ? from.a_stride : 1;
    for (std::ptrdiff_t panel = 0; panel < o.panels; ++panel) {
        const std::ptrdiff_t column = panel * tile_vectors * lanes<T>;
        const bool at_end = panel + 1 == o.panels;
        const Ints<T> last = at_end ? o.last : ~Ints<T>{};
        from.b = b + column;
        std::ptrdiff_t row = 0;
        for (std::ptrdiff_t t = 0; t < o.tiles; ++t) {
            const bool tall = t < o.tall;
            from.a = a + row * a_row;
            from.start = o.start + (from.start_by_row ? row : o.start_steps ? column : 0);
            (tall ? o.tall_tile : o.tile)[at_end](from, finish, row, column, last);
            row += o.height + tall;
        }
    }
}

// How a result of this size is cut into tiles.
template <class T, class Tile>
void cut(Bound<T>& o, Tile tile_of) {
    o.panels = pieces(o.columns, tile_vectors * lanes<T>);
    o.tiles = pieces(o.rows, tile_rows);
    o.height = o.rows / o.tiles;
    o.tall = o.rows % o.tiles;
    o.one_tile = o.tiles == 1 && o.panels == 1;
    const std::ptrdiff_t rest = o.columns - (o.panels - 1) * tile_vectors * lanes<T>;
    const int vectors[2] = {2, rest > lanes<T> ? 2 : 1};
    for (int end = 0; end < 2; ++end) {
        o.tile[end] = tile_of(o.height, vectors[end]);
        o.tall_tile[end] = o.tall ? tile_of(o.height + 1, vectors[end]) : nullptr;
    }
    o.last = last_lanes<T>(o.columns);
}

template <class T, Along along, bool formula>
bool run_product(Bound<T>& o) {
    run_tiles<T, along>(o, &o.into);
    if constexpr (formula) apply(o);
    return true;
}

template <class T>
struct StoreLive {
    T* data;
    std::ptrdiff_t stride;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t row, std::ptrdiff_t column, Vec<T> sum,
                                     Ints<T> live) const {
        store<T>(data + row * stride + column, kept<T>(sum, live));
    }
};

template <class T, class Finish>
CHAINRULE_INLINE void dot_into(Bound<T>& o, const Finish& finish) {
    forward_narrow<T>(0, o.columns, o.rows, o.from.depth, *o.b, *o.b_stride, *o.a, *o.a_stride,
                      o.bias, finish);
}
template <class T, class Finish>
CHAINRULE_INLINE void row_sums_into(Bound<T>& o, const Finish& finish) {
    row_sums<T>(o.columns, o.from.depth, *o.a, *o.a_stride, finish);
}
template <class T, class Finish>
CHAINRULE_INLINE void column_sums_into(Bound<T>& o, const Finish& finish) {
    column_sums<T>(o.from.depth, 0, o.columns, *o.a, *o.a_stride, finish);
}

template <class T>
bool run_dot(Bound<T>& o) {
    dot_into(o, StoreLive<T>{o.into.data, o.into.stride});
    if (o.kernel) apply(o);
    return true;
}
template <class T>
bool run_row_sums(Bound<T>& o) {
    row_sums_into(o, StoreLive<T>{o.into.data, 0});
    if (o.kernel) apply(o);
    return true;
}
template <class T>
bool run_column_sums(Bound<T>& o) {
    column_sums_into(o, StoreLive<T>{o.into.data, 0});
    if (o.kernel) apply(o);
    return true;
}
template <class T>
bool run_transposition(Bound<T>& o) {
    transpose<T>(o.columns, 0, o.rows, *o.a, *o.a_stride, o.into.data, o.into.stride);
    if (o.kernel) apply(o);
    return true;
}
template <class T>
bool run_check(Bound<T>& o) {
    return __builtin_isfinite(*o.checked[0]) && __builtin_isfinite(*o.checked[1]);
}
template <class T>
bool run_formula(Bound<T>& o) {
    apply(o);
    return true;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
