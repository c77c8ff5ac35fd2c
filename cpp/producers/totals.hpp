// Sums over the rows or the columns of a matrix: one row.
#pragma once

#include "../fused_products.hpp"
#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// Sums down the columns of a.
template <class T>
struct TotalOfRows {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return vectors_of<T>(i, lengths) * double(lengths[i.depth]) / total_rate;
    }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (!formula_is_direct(m, i, prepared)) return;
        prepare_inputs(m, i, prepared);
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        prepared.action = fused && fused->dot ? fused->column_sums : run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        column_sums_into(prepared, StoreMasked<T>{prepared.into.data, 0});
        if (prepared.kernel) apply_prepared(prepared);
        return true;
    }
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        compute(m, i, 0, m.length[i.columns]);
        apply_formula(m, i, prepared);
        return true;
    }
    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const Grid grid(1, m.length[i.columns], 4 * lanes<T>, work(i, m.length), m.threads(),
                        false);
        m.share(grid.count(), [&](std::ptrdiff_t part, int) {
            compute(m, i, grid(part).column_begin, grid(part).column_end);
        });
        share_formula(m, i, prepared);
        return true;
    }

private:
    static void compute(Machine<T>& m, const Instruction& i, std::ptrdiff_t begin,
                        std::ptrdiff_t end) {
        column_sums<T>(m.length[i.depth], begin, end, m.base[i.a], m.stride[i.a],
                       StoreMasked<T>{m.base[i.destination], 0});
    }
};

// Sums along the rows of a, an entry for each row of a.
template <class T>
struct TotalOfColumns {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return double(lengths[i.columns]) * double(lengths[i.depth]) / lanes<T> / total_rate;
    }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (!formula_is_direct(m, i, prepared)) return;
        prepare_inputs(m, i, prepared);
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        prepared.action = fused && fused->dot ? fused->row_sums : run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        row_sums_into(prepared, StoreMasked<T>{prepared.into.data, 0});
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
        row_sums<T>(end - begin, m.length[i.depth], m.base[i.a] + begin * m.stride[i.a],
                    m.stride[i.a], StoreMasked<T>{m.base[i.destination] + begin, 0});
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
