// The rows of each batch, copied to the values that the program reads, in the order of the epoch.
#pragma once

#include "run_arguments.hpp"
#include "machine.hpp"
#include "mt19937.hpp"
#include "philox.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// n columns of count rows, transposed: entry c of row r goes to to[c * stride + r]. The lookup of a
// row's address serves n entries; more of them would write to more lines of the cache at once.
template <class T, int n, class Row>
CHAINRULE_INLINE void transpose_columns(T* to, std::ptrdiff_t stride, Number count,
                                        const Row& row) {
    for (Number r = 0; r < count; ++r) {
        const T* const from = row(r);
#pragma GCC unroll 4
        for (int c = 0; c < n; ++c) to[c * stride + r] = from[c];
    }
    for (Number r = count; r < padded<T>(count); ++r)
        for (int c = 0; c < n; ++c) to[c * stride + r] = T(0);
}

// Rows of the caller's array in the layout that the program reads. `rows` null: first, first + 1,
// ...
template <class T>
void gather_into(T* to, std::ptrdiff_t stride, const Source& source, const Number* rows,
                 Number first, Number count) {
    const T* const from = static_cast<const T*>(source.data);
    const std::ptrdiff_t width = source.columns;
    const auto row = [&](Number r) {
        return from + (rows ? rows[first + r] : first + r) * source.row_stride;
    };
    if (source.transposed) {
        std::ptrdiff_t c = 0;
        const auto from_column = [&](Number r) { return row(r) + c; };
        for (; c + 4 <= width; c += 4)
            transpose_columns<T, 4>(to + c * stride, stride, count, from_column);
        switch (width - c) {
            case 3: return transpose_columns<T, 3>(to + c * stride, stride, count, from_column);
            case 2: return transpose_columns<T, 2>(to + c * stride, stride, count, from_column);
            case 1: return transpose_columns<T, 1>(to + c * stride, stride, count, from_column);
        }
    } else if (width <= 8 * lanes<T>) {
        // A call of memcpy for each short row takes up to four times as long. Rows have room for
        // whole vectors, whose last lanes are zero.
        const std::ptrdiff_t whole = width / lanes<T> * lanes<T>;
        for (Number r = 0; r < count; ++r) {
            const T* const source_row = row(r);
            for (std::ptrdiff_t c = 0; c < whole; c += lanes<T>)
                store<T>(to + r * stride + c, load_unaligned<T>(source_row + c));
#if defined(CHAINRULE_AVX512) || defined(CHAINRULE_AVX2)
            if (whole < width)
                store<T>(to + r * stride + whole,
                         load_first<T>(source_row + whole, int(width - whole)));
#else
            for (std::ptrdiff_t c = whole; c < width; ++c) to[r * stride + c] = source_row[c];
#endif
        }
    } else {
        for (Number r = 0; r < count; ++r)
            __builtin_memcpy(to + r * stride, row(r), std::size_t(width) * sizeof(T));
    }
}

template <class T>
void gather(Machine<T>& machine, const Source& source, const Number* rows, Number first,
            Number count) {
    const Number v = source.value;
    if (machine.p.values[v].owner == Owner::caller) {
        // Never written through: the program reads it as the left factor of products only.
        machine.base[v] = const_cast<T*>(static_cast<const T*>(source.data)) +
                          first * source.row_stride;
        machine.stride[v] = source.row_stride;
    } else {
        gather_into<T>(machine.base[v], machine.stride[v], source, rows, first, count);
    }
}

// Batches that are the same in every epoch are copied once if they are small.
constexpr std::size_t largest_copy = std::size_t{8} << 20;

template <class T>
class Batches {
public:
    Batches(Machine<T>& machine, const RunArguments& arguments)
        : machine_(machine), arguments_(arguments), arena_(needed(machine, arguments)) {
        if (arena_.bytes() == 0) return;
        for (Number s = 0; s < arguments.source_count; ++s) {
            const Source& source = arguments.sources[s];
            if (machine.p.values[source.value].owner != Owner::arena) continue;
            const std::size_t size = Machine<T>::elements(machine.p, source.value);
            T* const all = arena_.take<T>(size * batches(arguments));
            first_[s] = all;
            size_[s] = size;
            for (Number b = 0; b < Number(batches(arguments)); ++b) {
                const Number first = b * arguments.batch;
                const Number rest = arguments.samples - first;
                gather_into<T>(all + std::size_t(b) * size, machine.stride[source.value], source,
                               arguments.indices, first,
                               rest < arguments.batch ? rest : arguments.batch);
            }
            own_[s] = machine.base[source.value];
        }
    }
    ~Batches() {
        for (Number s = 0; s < arguments_.source_count; ++s)
            if (first_[s]) machine_.base[arguments_.sources[s].value] = own_[s];
    }
    Batches(const Batches&) = delete;
    Batches& operator=(const Batches&) = delete;

    // Orders the samples of an epoch. `pause` is called at intervals; false: the run is to stop.
    template <class Pause>
    bool begin(Number epoch, const Pause& pause) {
        const auto samples = std::uint64_t(arguments_.samples);
        if (arguments_.order == SampleOrder::philox) {
            Philox random(arguments_.seed, (std::uint64_t{2} << 32) | std::uint64_t(epoch));
            return shuffle(random, arguments_.indices, samples, pause);
        }
        if (arguments_.order == SampleOrder::mersenne_twister) {
            MersenneTwister random(arguments_.twister);
            return shuffle(random, arguments_.indices, samples, pause);
        }
        return true;
    }

    void load(Number batch, Number first, Number count) {
        for (Number s = 0; s < arguments_.source_count; ++s) {
            const Source& source = arguments_.sources[s];
            if (first_[s])
                machine_.base[source.value] = first_[s] + std::size_t(batch) * size_[s];
            else
                gather<T>(machine_, source, arguments_.indices, first, count);
        }
    }

    static constexpr Number most_sources = 8;

private:
    static std::size_t batches(const RunArguments& arguments) {
        return std::size_t((arguments.samples + arguments.batch - 1) / arguments.batch);
    }
    static std::size_t needed(const Machine<T>& machine, const RunArguments& arguments) {
        Reservation memory;
        if (arguments.order == SampleOrder::philox ||
            arguments.order == SampleOrder::mersenne_twister)
            return 0;
        for (Number s = 0; s < arguments.source_count; ++s)
            if (machine.p.values[arguments.sources[s].value].owner == Owner::arena)
                memory.add<T>(Machine<T>::elements(machine.p, arguments.sources[s].value) *
                              batches(arguments));
        const bool worth = arguments.epochs > 1 && memory.bytes() <= largest_copy;
        return worth ? memory.bytes() : 0;
    }

    Machine<T>& machine_;
    const RunArguments& arguments_;
    Arena arena_;
    T* first_[most_sources] = {};
    T* own_[most_sources] = {};
    std::size_t size_[most_sources] = {};
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
