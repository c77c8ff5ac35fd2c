// Products along contiguous rows of both matrices: destination = a · bᵀ, for few rows of a.
#pragma once

#include "../fused_products.hpp"
#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct Dot {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return double(lengths[i.rows]) * double(lengths[i.columns]) * double(lengths[i.depth]) /
                   lanes<T> / product_rate +
               formula_work<T>(i, lengths);
    }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (!formula_is_direct(m, i, prepared)) return;
        prepare_inputs(m, i, prepared);
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        prepared.action = fused && fused->dot ? fused->dot : run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        dot_into(prepared, StoreMasked<T>{prepared.into.data, prepared.into.stride});
        if (prepared.kernel) apply_prepared(prepared);
        return true;
    }
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        compute(m, i, 0, m.length[i.columns]);
        apply_formula(m, i, prepared);
        return true;
    }
    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const Grid grid(1, m.length[i.columns], lanes<T>, work(i, m.length), m.threads(), false);
        m.share(grid.count(), [&](std::ptrdiff_t part, int) {
            compute(m, i, grid(part).column_begin, grid(part).column_end);
        });
        share_formula(m, i, prepared);
        return true;
    }

private:
    static void compute(Machine<T>& m, const Instruction& i, std::ptrdiff_t begin,
                        std::ptrdiff_t end) {
        forward_narrow<T>(begin, end, m.length[i.rows], m.length[i.depth], m.base[i.b],
                          m.stride[i.b], m.base[i.a], m.stride[i.a],
                          i.bias < 0 ? nullptr : m.base[i.bias],
                          StoreMasked<T>{m.base[i.destination], m.stride[i.destination]});
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
