// Products that a light formula finishes in their registers, so that a gradient is used where it
// was summed up and never stored.
#pragma once

#include "formula.hpp"
#include "matmul.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
using FinishedProduct = void (*)(Along, Block, std::ptrdiff_t depth, Left<T>, Right<T>,
                                 const Call<T>&);

template <class T, template <class> class Finish>
void finished_product(Along along, Block block, std::ptrdiff_t depth, Left<T> A, Right<T> B,
                      const Call<T>& call) {
    const Finish<T> finish{call};
    if (along == Along::rows)
        multiply<T, Along::rows>(block, depth, A, B, nullptr, finish);
    else
        multiply<T, Along::depth>(block, depth, A, B, nullptr, finish);
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
