// Transposed copies of matrices: destination = aᵀ.
#pragma once

#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct Transposition {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return vectors_of<T>(i, lengths) / formula_rate;
    }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (!formula_is_direct(m, i, prepared)) return;
        prepare_inputs(m, i, prepared);
        prepared.action = run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        transpose<T>(prepared.columns, 0, prepared.rows, *prepared.a, *prepared.a_stride,
                     prepared.into.data, prepared.into.stride);
        if (prepared.kernel) apply_prepared(prepared);
        return true;
    }
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        compute(m, i, 0, m.length[i.rows]);
        apply_formula(m, i, prepared);
        return true;
    }
    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        // Parts are columns of a, rows of the result.
        const Grid grid(1, m.length[i.rows], lanes<T>, work(i, m.length), m.threads(), false);
        m.share(grid.count(), [&](std::ptrdiff_t part, int) {
            compute(m, i, grid(part).column_begin, grid(part).column_end);
        });
        share_formula(m, i, prepared);
        return true;
    }

private:
    static void compute(Machine<T>& m, const Instruction& i, std::ptrdiff_t begin,
                        std::ptrdiff_t end) {
        transpose<T>(m.length[i.columns], begin, end, m.base[i.a], m.stride[i.a],
                     m.base[i.destination], m.stride[i.destination]);
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
