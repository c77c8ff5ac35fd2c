// How a step is shared by several threads: one instruction after the other, each in parts.
//
// Parts are blocks of a result, never pieces of a sum, and an entry's arithmetic does not depend on
// the block around it: who computes what, and how many threads there are, leaves no trace in the
// bits. Only sums over a whole result (losses, penalties) depend on blocks; theirs follow from the
// shape (blocks_of, summed_rows) and are added in order.
#pragma once

#include "machine.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A step is shared where one thread would need this long for it, in microseconds, and in it each
// instruction that would take so long alone. Handing out an instruction and waiting for it takes
// 0.7 µs; what costs more is that cores read what others wrote, 3 to 10 ns for 64 bytes. Measured on
// two cores (Sapphire Rapids, virtual), one thread's time over two threads':
//
//     64-100-10, batch 32: 11 µs, 0.76   128: 41 µs, 0.95   256: 82 µs, 1.04   512: 173 µs, 1.29
//     784-30-10, batch 32: 25 µs, 0.79   128: 84 µs, 1.32   256: 168 µs, 1.51
//     784-128-10, batch 16: 51 µs, 0.69   32: 90 µs, 1.00   128: 334 µs, 1.46
constexpr double least_step = 100.0, least_shared = 2.0;
constexpr double least_part = 1.0;   // parts are not made smaller for the sake of balance
constexpr int parts_per_thread = 4;  // a thread that comes late then costs little

// Estimates, in vectors per microsecond: a product does 4 to 6 of its fused multiply-adds in a
// nanosecond, formulas and totals an entry of a vector in about one.
constexpr double product_rate = 5000.0, formula_rate = 700.0, total_rate = 2000.0;

template <class T>
double Machine<T>::work(const Instruction& i, const std::ptrdiff_t* lengths) const {
    const double rows = double(lengths[i.rows]), columns = double(lengths[i.columns]);
    const double vectors = rows * double(padded<T>(lengths[i.columns])) / lanes<T>;
    const double depth = double(lengths[i.depth]);
    const double formula = i.formula < 0 ? 0.0 : vectors / formula_rate;
    switch (i.producer) {
    case product: return vectors * depth / product_rate + formula;
    case dot: return rows * columns * depth / lanes<T> / product_rate + formula;
    case total_of_rows: return vectors * depth / total_rate;
    case total_of_columns: return columns * depth / lanes<T> / total_rate;
    case transposition: return vectors / formula_rate;
    case nothing: return formula;
    default: return 0.0;
    }
}

template <class T>
void Machine<T>::set_threads(Number threads) {
    double all = 0.0;
    for (Number n = 0; n < p.instruction_count; ++n) all += work(p.instructions[n], p.axes);
    threads_ = threads < 2 || all < least_step ? 1
               : threads < most_threads        ? int(threads)
                                               : most_threads;
}

template <class T>
bool Machine<T>::step_shared() {
    Crew crew(threads_);
    Bound<T>* bound = bound_;
    const Instruction* const end = p.instructions + p.instruction_count;
    for (const Instruction* i = p.instructions; i != end; ++i, ++bound) {
        if (crew.threads() > 1 && split(crew, *i, *bound)) continue;
        if (!(bound->action ? bound->action(*bound) : perform(*i, *bound))) return false;
    }
    return true;
}

// A result cut into a grid of blocks whose columns begin at multiples of `grain`, along its longer
// side first: of A and B, the larger one is then not read by all threads.
struct Grid {
    Grid(std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t grain, double work,
         int threads, bool by_rows)
        : rows_(rows), columns_(columns), grain_(grain), grains_(pieces(columns, grain)),
          by_rows_(by_rows) {
        const double most = work / least_part;
        std::ptrdiff_t wanted = std::ptrdiff_t(threads) * parts_per_thread;
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

// Performs an instruction together, or returns false where one thread should.
template <class T>
bool Machine<T>::split(Crew& crew, const Instruction& i, Bound<T>& bound) {
    const double all = work(i, length);
    if (all < least_shared) return false;
    const std::ptrdiff_t rows = length[i.rows], columns = length[i.columns];
    const int threads = crew.threads();
    switch (i.producer) {
    case nothing: return i.formula >= 0 && split_formula(crew, i);
    case product:
        return i.a_turned ? split_product<Along::rows>(crew, i, bound)
                          : split_product<Along::depth>(crew, i, bound);
    case dot: {
        const Grid grid(1, columns, lanes<T>, all, threads, false);
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            const Block block = grid(part);
            forward_narrow<T>(block.column_begin, block.column_end, rows, length[i.depth],
                              base[i.b], stride[i.b], base[i.a], stride[i.a],
                              i.bias < 0 ? nullptr : base[i.bias],
                              StoreLive<T>{base[i.destination], stride[i.destination]});
        });
        break;
    }
    case total_of_rows: {
        const Grid grid(1, columns, 4 * lanes<T>, all, threads, false);
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            const Block block = grid(part);
            column_sums<T>(length[i.depth], block.column_begin, block.column_end, base[i.a],
                           stride[i.a], StoreLive<T>{base[i.destination], 0});
        });
        break;
    }
    case total_of_columns: {
        const Grid grid(1, columns, lanes<T>, all, threads, false);
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            const Block block = grid(part);
            row_sums<T>(block.column_end - block.column_begin, length[i.depth],
                        base[i.a] + block.column_begin * stride[i.a], stride[i.a],
                        StoreLive<T>{base[i.destination] + block.column_begin, 0});
        });
        break;
    }
    case transposition: {
        const Grid grid(1, rows, lanes<T>, all, threads, false);  // columns of a, rows of the result
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            transpose<T>(columns, grid(part).column_begin, grid(part).column_end, base[i.a],
                         stride[i.a], base[i.destination], stride[i.destination]);
        });
        break;
    }
    default: return false;
    }
    if (i.formula >= 0) {
        clear_sums(i.formula);
        if (!split_formula(crew, i)) apply_whole(i, bound);
    }
    return true;
}

template <class T>
template <Along along>
bool Machine<T>::split_product(Crew& crew, const Instruction& i, Bound<T>& bound) {
    const std::ptrdiff_t rows = length[i.rows], columns = length[i.columns];
    const bool by_rows = along == Along::depth && rows > columns;
    const Grid grid(rows, columns, tile_vectors * lanes<T>, work(i, length), crew.threads(), by_rows);
    if (i.formula < 0) {
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            product_block<along>(i, grid(part), base[i.destination], stride[i.destination]);
        });
        return true;
    }
    const Formula& f = p.formulas[i.formula];
    const Finished<T>* const light = light_finish(i);
    if (light && length[i.depth] <= depth_block<T>) {
        refresh(bound);
        load_scalars(f, bound.call);
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            light->product(along, grid(part), length[i.depth], {base[i.a], stride[i.a]},
                           {base[i.b], stride[i.b]}, bound.call);
        });
        return true;
    }
    Blocks blocks = blocks_of(rows, columns);
    if (blocks.count == 1) {
        // A small result of a long sum: its formula takes no time.
        const bool own = i.destination >= 0;
        T* const to = own ? base[i.destination] : scratch_;
        const std::ptrdiff_t step = own ? stride[i.destination] : padded<T>(columns);
        crew.share(grid.count(), [&](std::ptrdiff_t part, int) {
            product_block<along>(i, grid(part), to, step);
        });
        clear_sums(i.formula);
        apply_whole(i, bound);
        return true;
    }
    if (f.sum_end == f.sum_begin) {
        // Blocks of equal height, some for each thread.
        const std::ptrdiff_t threads = crew.threads();
        const std::ptrdiff_t each = pieces(rows, threads * blocks.height);
        blocks.height = pieces(rows, threads * each);
        blocks.down = pieces(rows, blocks.height);
        blocks.count = blocks.down * pieces(columns, blocks.width);
    }
    const std::ptrdiff_t across = blocks.count / blocks.down;
    crew.share(blocks.count, [&](std::ptrdiff_t part, int) {
        const std::ptrdiff_t b = by_rows ? part % across * blocks.down + part / across : part;
        alignas(64) T scratch[scratch_room];
        Call<T> call;
        multiply_and_apply<along>(i, blocks, b, rows, columns, call, scratch);
        if (f.sum_end > f.sum_begin)
            for (int n = 0; n < most_sums; ++n) sums_[b * most_sums + n] = call.sum[n];
    });
    clear_sums(i.formula);
    if (f.sum_end > f.sum_begin)
        for (std::ptrdiff_t b = 0; b < blocks.count; ++b) add_sums(f, sums_ + b * most_sums);
    return true;
}

template <class T>
bool Machine<T>::split_formula(Crew& crew, const Instruction& i) {
    const Formula& f = p.formulas[i.formula];
    const std::ptrdiff_t rows = length[i.rows], columns = length[i.columns];
    const double all = double(rows) * double(padded<T>(columns)) / lanes<T> / formula_rate;
    if (all < least_shared) return false;
    const bool sums = f.sum_end > f.sum_begin;
    std::ptrdiff_t height = summed_rows(columns);
    if (!sums) {
        const std::ptrdiff_t parts = std::ptrdiff_t(crew.threads()) * parts_per_thread;
        height = pieces(rows, parts < rows ? parts : rows);
    }
    const std::ptrdiff_t count = pieces(rows, height);
    if (count < 2) return false;
    crew.share(count, [&](std::ptrdiff_t b, int) {
        Call<T> call;
        apply_rows(i, f, b * height, height, rows, columns, call);
        if (sums)
            for (int n = 0; n < most_sums; ++n) sums_[b * most_sums + n] = call.sum[n];
    });
    clear_sums(i.formula);
    if (sums)
        for (std::ptrdiff_t b = 0; b < count; ++b) add_sums(f, sums_ + b * most_sums);
    return true;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
