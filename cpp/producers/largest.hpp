// Largest entries of the columns or the rows of a matrix: one row. One thread computes them.
#pragma once

#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct Largest {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>&, const Instruction&, PreparedInstruction<T>&) {}
};

// An entry for each column of a.
template <class T>
struct LargestOfRows : Largest<T> {
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        T* const to = m.base[i.destination];
        const std::ptrdiff_t columns = m.length[i.columns], depth = m.length[i.depth];
        const std::ptrdiff_t step = m.stride[i.a];
        for (std::ptrdiff_t c = 0; c < columns; c += lanes<T>) {
            Vec<T> best = load<T>(m.base[i.a] + c);
            for (std::ptrdiff_t r = 1; r < depth; ++r)
                best = maximum<T>(best, load<T>(m.base[i.a] + r * step + c));
            store<T>(to + c, best);  // the padding is zero and remains so
        }
        apply_formula(m, i, prepared);
        return true;
    }
};

// An entry for each row of a.
template <class T>
struct LargestOfColumns : Largest<T> {
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        T* const to = m.base[i.destination];
        const std::ptrdiff_t rows = m.length[i.columns], depth = m.length[i.depth];
        const std::ptrdiff_t step = m.stride[i.a];
        const Vec<T> least = broadcast<T>(-Constants<T>::infinity);
        for (std::ptrdiff_t r = 0; r < rows; ++r) {
            const T* const from = m.base[i.a] + r * step;
            Vec<T> best = least;
            std::ptrdiff_t k = 0;
            for (; k + lanes<T> <= depth; k += lanes<T>) best = maximum<T>(best, load<T>(from + k));
            if (k < depth)
                best = maximum<T>(
                    best, select<T>(first_lanes<T>(int(depth - k)), load<T>(from + k), least));
            to[r] = largest_lane<T>(best);
        }
        for (std::ptrdiff_t r = rows; r < padded<T>(rows); ++r) to[r] = T(0);
        apply_formula(m, i, prepared);
        return true;
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
