// Prepared producers with an epilogue: a light formula (a step of gradient descent) that is applied
// to the sums while they are in registers, so that a gradient is used where it was computed and
// never stored.
#pragma once

#include "prepared_instruction.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T, Along along>
CHAINRULE_INLINE void run_tiles(PreparedInstruction<T>& prepared, const void* epilogue) {
    Operands<T>& from = prepared.from;
    const T* const a = *prepared.a;
    const T* const b = *prepared.b;
    from.a_stride = *prepared.a_stride;
    from.b_stride = *prepared.b_stride;
    from.a = a;
    from.b = b;
    from.start = prepared.start;
    if (prepared.one_tile) {
        prepared.tile[1](from, epilogue, 0, 0, prepared.last);
        return;
    }
    const std::ptrdiff_t a_row = along == Along::depth ? from.a_stride : 1;
    for (std::ptrdiff_t panel = 0; panel < prepared.panels; ++panel) {
        const std::ptrdiff_t column = panel * tile_vectors * lanes<T>;
        const bool at_end = panel + 1 == prepared.panels;
        const Ints<T> last = at_end ? prepared.last : ~Ints<T>{};
        from.b = b + column;
        std::ptrdiff_t row = 0;
        for (std::ptrdiff_t t = 0; t < prepared.tiles; ++t) {
            const bool tall = t < prepared.tall;
            from.a = a + row * a_row;
            from.start = prepared.start + (from.start_by_row        ? row
                                           : prepared.start_steps ? column
                                                                  : 0);
            (tall ? prepared.tall_tile : prepared.tile)[at_end](from, epilogue, row, column, last);
            row += prepared.height + tall;
        }
    }
}

template <class T, class Epilogue>
CHAINRULE_INLINE void dot_into(PreparedInstruction<T>& prepared, const Epilogue& epilogue) {
    forward_narrow<T>(0, prepared.columns, prepared.rows, prepared.from.depth, *prepared.b,
                      *prepared.b_stride, *prepared.a, *prepared.a_stride, prepared.bias, epilogue);
}
template <class T, class Epilogue>
CHAINRULE_INLINE void row_sums_into(PreparedInstruction<T>& prepared, const Epilogue& epilogue) {
    row_sums<T>(prepared.columns, prepared.from.depth, *prepared.a, *prepared.a_stride, epilogue);
}
template <class T, class Epilogue>
CHAINRULE_INLINE void column_sums_into(PreparedInstruction<T>& prepared, const Epilogue& epilogue) {
    column_sums<T>(prepared.from.depth, 0, prepared.columns, *prepared.a, *prepared.a_stride,
                   epilogue);
}

// The functions of one light formula. Those of dot products and totals are null except for
// descents: no slope of an activation follows them.
template <class T>
struct FusedProducts {
    void (*product)(Along, Block, std::ptrdiff_t depth, Left<T>, Right<T>, const Call<T>&);
    Action<T> tiles[2];  // by Along
    TileFunction<T> (*tile[2])(std::ptrdiff_t rows, int vectors);
    Action<T> dot, row_sums, column_sums;
};

template <class T, template <class> class Epilogue>
void fused_product(Along along, Block block, std::ptrdiff_t depth, Left<T> A, Right<T> B,
                   const Call<T>& call) {
    const Epilogue<T> epilogue{call};
    if (along == Along::rows)
        multiply<T, Along::rows>(block, depth, A, B, nullptr, epilogue);
    else
        multiply<T, Along::depth>(block, depth, A, B, nullptr, epilogue);
}

template <class T, template <class> class Epilogue, Along along>
bool fused_tiles(PreparedInstruction<T>& prepared) {
    refresh(prepared);
    const Epilogue<T> epilogue{prepared.call};
    run_tiles<T, along>(prepared, &epilogue);
    return true;
}
template <class T, template <class> class Epilogue>
bool fused_dot(PreparedInstruction<T>& prepared) {
    refresh(prepared);
    dot_into(prepared, Epilogue<T>{prepared.call});
    return true;
}
template <class T, template <class> class Epilogue>
bool fused_row_sums(PreparedInstruction<T>& prepared) {
    refresh(prepared);
    row_sums_into(prepared, Epilogue<T>{prepared.call});
    return true;
}
template <class T, template <class> class Epilogue>
bool fused_column_sums(PreparedInstruction<T>& prepared) {
    refresh(prepared);
    column_sums_into(prepared, Epilogue<T>{prepared.call});
    return true;
}

template <class T, template <class> class Epilogue, bool descent>
constexpr FusedProducts<T> fused_products_of = {
    fused_product<T, Epilogue>,
    {fused_tiles<T, Epilogue, Along::depth>, fused_tiles<T, Epilogue, Along::rows>},
    {tile_function<T, Along::depth, const Epilogue<T>>,
     tile_function<T, Along::rows, const Epilogue<T>>},
    nullptr,
    nullptr,
    nullptr,
};
template <class T, template <class> class Epilogue>
constexpr FusedProducts<T> fused_products_of<T, Epilogue, true> = {
    fused_product<T, Epilogue>,
    {fused_tiles<T, Epilogue, Along::depth>, fused_tiles<T, Epilogue, Along::rows>},
    {tile_function<T, Along::depth, const Epilogue<T>>,
     tile_function<T, Along::rows, const Epilogue<T>>},
    fused_dot<T, Epilogue>,
    fused_row_sums<T, Epilogue>,
    fused_column_sums<T, Epilogue>,
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
