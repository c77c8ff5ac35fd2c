// How a step is shared by several threads: one instruction after the other, each in parts.
//
// Parts are blocks of a result, never pieces of a sum, and an entry's arithmetic does not depend on
// the block that contains it: neither the number of threads nor who computes which part changes a
// bit. Only sums over a whole result (losses, penalties) depend on blocks; these follow from the
// shape (Product::blocks_of, summed_rows), and their sums are added in order.
#pragma once

#include "isa.hpp"
#include "matmul.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A step is shared where one thread would need this long for it, in microseconds, and in it each
// instruction that would take so long alone. To start an instruction on all threads and to wait for
// its end takes 0.7 µs; the larger cost is that cores read what others wrote, 3 to 10 ns for 64
// bytes. Measured on two cores (Sapphire Rapids, virtual), one thread's time over two threads':
//
//     64-100-10, batch 32: 11 µs, 0.76   128: 41 µs, 0.95   256: 82 µs, 1.04   512: 173 µs, 1.29
//     784-30-10, batch 32: 25 µs, 0.79   128: 84 µs, 1.32   256: 168 µs, 1.51
//     784-128-10, batch 16: 51 µs, 0.69   32: 90 µs, 1.00   128: 334 µs, 1.46
constexpr double least_step = 100.0, least_shared = 2.0;
constexpr double least_part = 1.0;   // parts are not made smaller for the sake of balance
constexpr int parts_per_thread = 4;  // a late thread then costs little

// A step that takes longer than this can be interrupted between parts, which take at most as long
// as the second number: Ctrl-C must take effect within 100 ms.
constexpr double longest_step = 40e3, longest_part = 4e3;

// Estimates, in vectors per microsecond: a product does 4 to 6 of its fused multiply-adds in a
// nanosecond, formulas and totals an entry of a vector in about one.
constexpr double product_rate = 5000.0, formula_rate = 700.0, total_rate = 2000.0;

// Vectors of a result with these lengths of axes.
template <class T>
double vectors_of(const Instruction& i, const std::ptrdiff_t* lengths) {
    return double(lengths[i.rows]) * double(padded<T>(lengths[i.columns])) / lanes<T>;
}

// Microseconds of the formula of an instruction, on one thread.
template <class T>
double formula_work(const Instruction& i, const std::ptrdiff_t* lengths) {
    return i.formula < 0 ? 0.0 : vectors_of<T>(i, lengths) / formula_rate;
}

// Into how many parts an instruction of so much work is divided.
inline std::ptrdiff_t parts_for(double work, int threads) {
    const std::ptrdiff_t balanced = std::ptrdiff_t(threads) * parts_per_thread;
    return double(balanced) * longest_part < work ? std::ptrdiff_t(work / longest_part) : balanced;
}

// A result cut into a grid of blocks whose columns begin at multiples of `grain`, along its longer
// side first: of A and B, the larger one is then not read by all threads.
struct Grid {
    Grid(std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t grain, double work,
         int threads, bool by_rows)
        : rows_(rows), columns_(columns), grain_(grain), grains_(pieces(columns, grain)),
          by_rows_(by_rows) {
        const double most = work / least_part;
        std::ptrdiff_t wanted = parts_for(work, threads);
        if (double(wanted) > most) wanted = std::ptrdiff_t(most);
        if (wanted < threads) wanted = threads;
        if (by_rows) {
            down_ = rows < wanted ? rows : wanted;
            across_ = down_ < wanted ? pieces(wanted, down_) : 1;
            if (across_ > grains_) across_ = grains_;
        } else {
            across_ = grains_ < wanted ? grains_ : wanted;
            down_ = across_ < wanted ? pieces(wanted, across_) : 1;
            if (down_ > rows) down_ = rows;
        }
    }
    std::ptrdiff_t count() const { return across_ * down_; }
    Block operator()(std::ptrdiff_t part) const {
        const std::ptrdiff_t down = by_rows_ ? part / across_ : part % down_;
        const std::ptrdiff_t across = by_rows_ ? part % across_ : part / down_;
        const std::ptrdiff_t right = piece_begin(grains_, across_, across + 1) * grain_;
        return {piece_begin(rows_, down_, down), piece_begin(rows_, down_, down + 1),
                piece_begin(grains_, across_, across) * grain_,
                right < columns_ ? right : columns_};
    }

private:
    std::ptrdiff_t rows_, columns_, grain_, grains_, across_, down_;
    bool by_rows_;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
