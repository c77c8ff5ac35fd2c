// The rows of each batch, brought to where the program reads them, in the order of the epoch.
#pragma once

#include "course.hpp"
#include "machine.hpp"
#include "mt19937.hpp"
#include "philox.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// n columns of count rows, turned: entry c of row r goes to to[c * stride + r]. What a row's place
// costs is shared by n entries; more of them would write to more lines of the cache at once.
template <class T, int n, class Row>
CHAINRULE_INLINE void turn_columns(T* to, std::ptrdiff_t stride, Number count, const Row& row) {
    for (Number r = 0; r < count; ++r) {
        const T* const from = row(r);
#pragma GCC unroll 4
        for (int c = 0; c < n; ++c) to[c * stride + r] = from[c];
    }
    for (Number r = count; r < padded<T>(count); ++r)
        for (int c = 0; c < n; ++c) to[c * stride + r] = T(0);
}

// Rows of the caller's array as the program wants to read them. `rows` null: first, first + 1, ...
template <class T>
void gather_into(T* to, std::ptrdiff_t stride, const Source& source, const Number* rows,
                 Number first, Number count) {
    const T* const from = static_cast<const T*>(source.data);
    const std::ptrdiff_t width = source.columns;
    const auto row = [&](Number r) {
        return from + (rows ? rows[first + r] : first + r) * source.row_stride;
    };
    if (source.turned) {
        std::ptrdiff_t c = 0;
        const auto from_column = [&](Number r) { return row(r) + c; };
        for (; c + 4 <= width; c += 4) turn_columns<T, 4>(to + c * stride, stride, count, from_column);
        switch (width - c) {
            case 3: return turn_columns<T, 3>(to + c * stride, stride, count, from_column);
            case 2: return turn_columns<T, 2>(to + c * stride, stride, count, from_column);
            case 1: return turn_columns<T, 1>(to + c * stride, stride, count, from_column);
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
    if (machine.p.values[v].owner == given_in_place) {
        // Never written through: the program reads it as the left factor of products only.
        machine.base[v] = const_cast<T*>(static_cast<const T*>(source.data)) +
                          first * source.row_stride;
        machine.stride[v] = source.row_stride;
    } else {
        gather_into<T>(machine.base[v], machine.stride[v], source, rows, first, count);
    }
}

// Batches that come again in every epoch are laid out once where they are small.
constexpr std::size_t largest_layout = std::size_t{8} << 20;

template <class T>
class Batches {
public:
    Batches(Machine<T>& machine, const Course& course)
        : machine_(machine), course_(course), arena_(needed(machine, course)) {
        if (arena_.bytes() == 0) return;
        for (Number s = 0; s < course.source_count; ++s) {
            const Source& source = course.sources[s];
            if (machine.p.values[source.value].owner != owned_by_arena) continue;
            const std::size_t size = Machine<T>::elements(machine.p, source.value);
            T* const all = arena_.take<T>(size * batches(course));
            first_[s] = all;
            size_[s] = size;
            for (Number b = 0; b < Number(batches(course)); ++b) {
                const Number first = b * course.batch;
                const Number rest = course.samples - first;
                gather_into<T>(all + std::size_t(b) * size, machine.stride[source.value], source,
                               course.places, first, rest < course.batch ? rest : course.batch);
            }
            own_[s] = machine.base[source.value];
        }
    }
    ~Batches() {
        for (Number s = 0; s < course_.source_count; ++s)
            if (first_[s]) machine_.base[course_.sources[s].value] = own_[s];
    }
    Batches(const Batches&) = delete;
    Batches& operator=(const Batches&) = delete;

    // Orders the samples of an epoch. `pause` is asked now and then; false: it said stop.
    template <class Pause>
    bool begin(Number epoch, const Pause& pause) {
        const auto samples = std::uint64_t(course_.samples);
        if (course_.order == by_philox) {
            Philox random(course_.seed, (std::uint64_t{2} << 32) | std::uint64_t(epoch));
            return shuffle(random, course_.places, samples, pause);
        }
        if (course_.order == by_mersenne_twister) {
            MersenneTwister random(course_.twister);
            return shuffle(random, course_.places, samples, pause);
        }
        return true;
    }

    void load(Number batch, Number first, Number count) {
        for (Number s = 0; s < course_.source_count; ++s) {
            const Source& source = course_.sources[s];
            if (first_[s])
                machine_.base[source.value] = first_[s] + std::size_t(batch) * size_[s];
            else
                gather<T>(machine_, source, course_.places, first, count);
        }
    }

    static constexpr Number most_sources = 8;

private:
    static std::size_t batches(const Course& course) {
        return std::size_t((course.samples + course.batch - 1) / course.batch);
    }
    static std::size_t needed(const Machine<T>& machine, const Course& course) {
        Reservation memory;
        if (course.order == by_philox || course.order == by_mersenne_twister) return 0;
        for (Number s = 0; s < course.source_count; ++s)
            if (machine.p.values[course.sources[s].value].owner == owned_by_arena)
                memory.add<T>(Machine<T>::elements(machine.p, course.sources[s].value) *
                              batches(course));
        const bool worth = course.epochs > 1 && memory.bytes() <= largest_layout;
        return worth ? memory.bytes() : 0;
    }

    Machine<T>& machine_;
    const Course& course_;
    Arena arena_;
    T* first_[most_sources] = {};
    T* own_[most_sources] = {};
    std::size_t size_[most_sources] = {};
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
