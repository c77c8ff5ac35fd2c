// Expressions without a matrix form, in loops over axes. One thread runs them.
#pragma once

#include "../scalar.hpp"
#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct LoopedCode {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>&, const Instruction&, PreparedInstruction<T>&) {}

    // Loops store entries only; what a longer batch left in the padding is cleared here.
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        Loops<T>{m.p, m.base, m.stride, m.length, m.slots, m.registers, m.counters}.run(
            m.p.scalar_code + i.a, m.p.scalar_code + i.b);
        if (i.destination >= 0) {
            T* const to = m.base[i.destination];
            const std::ptrdiff_t columns = m.length[i.columns], step = m.stride[i.destination];
            for (std::ptrdiff_t r = 0; r < m.length[i.rows]; ++r)
                for (std::ptrdiff_t c = columns; c < padded<T>(columns); ++c)
                    to[r * step + c] = T(0);
        }
        apply_formula(m, i, prepared);
        return true;
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
