// Rows of a table by the codes of samples, and the sum of rows for each code: the products of one-hot
// rows with a matrix, and of their transpose. Only the entries that are not zero are touched. One
// thread runs them; samples are added in their order, as in the product.
#pragma once

#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A matrix as it is meant: rows are samples or codes, columns are units.
template <class T>
struct SampleRows {
    T* data;
    std::ptrdiff_t down, right;  // from one row to the next, from one unit to the next

    SampleRows(const Machine<T>& m, Number value, bool transposed)
        : data(m.base[value]),
          down(transposed ? 1 : m.stride[value]),
          right(transposed ? m.stride[value] : 1) {}
    T* operator[](std::ptrdiff_t row) const { return data + row * down; }
};

// What a batch longer than this one left beside the entries is cleared: padding is zero.
template <class T>
void clear_padding(const Machine<T>& m, const Instruction& i) {
    const std::ptrdiff_t columns = m.length[i.columns], step = m.stride[i.destination];
    for (std::ptrdiff_t r = 0; r < m.length[i.rows]; ++r)
        for (std::ptrdiff_t c = columns; c < padded<T>(columns); ++c)
            m.base[i.destination][r * step + c] = T(0);
}

template <class T>
struct Lookup {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>&, const Instruction&, PreparedInstruction<T>&) {}

    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const T* const codes = m.base[i.a];
        const SampleRows<T> to(m, i.destination, i.a_transposed), from(m, i.b, i.b_transposed);
        const std::ptrdiff_t samples = m.length[i.a_transposed ? i.columns : i.rows];
        const std::ptrdiff_t units = m.length[i.a_transposed ? i.rows : i.columns];
        for (std::ptrdiff_t s = 0; s < samples; ++s) {
            const T* const row = from[std::ptrdiff_t(codes[s])];
            T* const result = to[s];
            for (std::ptrdiff_t u = 0; u < units; ++u) result[u * to.right] = row[u * from.right];
        }
        clear_padding(m, i);
        apply_formula(m, i, prepared);
        return true;
    }
};

template <class T>
struct SumByCode {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>&, const Instruction&, PreparedInstruction<T>&) {}

    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const T* const codes = m.base[i.a];
        const SampleRows<T> to(m, i.destination, i.a_transposed), from(m, i.b, i.b_transposed);
        const std::ptrdiff_t units = m.length[i.a_transposed ? i.rows : i.columns];
        __builtin_memset(to.data, 0, Machine<T>::elements(m.p, i.destination) * sizeof(T));
        for (std::ptrdiff_t s = 0; s < m.length[i.depth]; ++s) {
            const T* const row = from[s];
            T* const sum = to[std::ptrdiff_t(codes[s])];
            for (std::ptrdiff_t u = 0; u < units; ++u) sum[u * to.right] += row[u * from.right];
        }
        apply_formula(m, i, prepared);
        return true;
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
