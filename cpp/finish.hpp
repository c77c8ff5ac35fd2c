// Producers that a light formula (a step of gradient descent) finishes in their registers, so that
// a gradient is used where it was summed up and never stored.
#pragma once

#include "bound.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// The functions of one light formula. Those of narrow layers and totals are null except for descents:
// no slope follows them.
template <class T>
struct Finished {
    void (*product)(Along, Block, std::ptrdiff_t depth, Left<T>, Right<T>, const Call<T>&);
    Action<T> tiles[2];  // by Along
    TileFunction<T> (*tile[2])(std::ptrdiff_t rows, int vectors);
    Action<T> dot, row_sums, column_sums;
};

template <class T, template <class> class Finish>
void finished_product(Along along, Block block, std::ptrdiff_t depth, Left<T> A, Right<T> B,
                      const Call<T>& call) {
    const Finish<T> finish{call};
    if (along == Along::rows)
        multiply<T, Along::rows>(block, depth, A, B, nullptr, finish);
    else
        multiply<T, Along::depth>(block, depth, A, B, nullptr, finish);
}

template <class T, template <class> class Finish, Along along>
bool finished_tiles(Bound<T>& o) {
    refresh(o);
    const Finish<T> finish{o.call};
    run_tiles<T, along>(o, &finish);
    return true;
}
template <class T, template <class> class Finish>
bool finished_dot(Bound<T>& o) {
    refresh(o);
    dot_into(o, Finish<T>{o.call});
    return true;
}
template <class T, template <class> class Finish>
bool finished_row_sums(Bound<T>& o) {
    refresh(o);
    row_sums_into(o, Finish<T>{o.call});
    return true;
}
template <class T, template <class> class Finish>
bool finished_column_sums(Bound<T>& o) {
    refresh(o);
    column_sums_into(o, Finish<T>{o.call});
    return true;
}

template <class T, template <class> class Finish, bool descent>
constexpr Finished<T> finished_by = {
    finished_product<T, Finish>,
    {finished_tiles<T, Finish, Along::depth>, finished_tiles<T, Finish, Along::rows>},
    {tile_function<T, Along::depth, const Finish<T>>, tile_function<T, Along::rows, const Finish<T>>},
    nullptr,
    nullptr,
    nullptr,
};
template <class T, template <class> class Finish>
constexpr Finished<T> finished_by<T, Finish, true> = {
    finished_product<T, Finish>,
    {finished_tiles<T, Finish, Along::depth>, finished_tiles<T, Finish, Along::rows>},
    {tile_function<T, Along::depth, const Finish<T>>, tile_function<T, Along::rows, const Finish<T>>},
    finished_dot<T, Finish>,
    finished_row_sums<T, Finish>,
    finished_column_sums<T, Finish>,
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
