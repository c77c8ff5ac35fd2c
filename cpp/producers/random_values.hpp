// Entries drawn at random in each step: masks of dropout, and normal noise. kernels/draws.py is the
// definition. An entry depends on the seed, the number of the step, the stream, its row in the
// batch and its column, so neither layout nor threads change a bit of it.
#pragma once

#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// OOPSLA 2014).
inline std::uint64_t mix64(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// The words of one stream in one step: a hash of the number of the entry, with the two halves of a
// key.
struct RandomWords {
    static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
    std::uint64_t key;

    static RandomWords of(std::uint64_t seed, std::uint64_t step, std::uint64_t stream) {
        return {mix64(mix64(mix64(seed + golden) + step * golden) + stream * golden)};
    }
    RandomWords second() const { return {mix64(key + golden)}; }

    // Numbers of entries to words, in lanes of 32 bits.
    CHAINRULE_INLINE Words<float> operator()(Words<float> entry) const {
        return hashed(hashed(entry ^ std::uint32_t(key)) + std::uint32_t(key >> 32));
    }

private:
    // lowbias32 by Chris Wellons, found by search.
    CHAINRULE_INLINE static Words<float> hashed(Words<float> x) {
        x ^= x >> 16;
        x *= 0x7feb352du;
        x ^= x >> 15;
        x *= 0x846ca68bu;
        return x ^ (x >> 16);
    }
};

// One instruction in one step. Entry (row, column) of the matrix as it is meant has the number
// row * width + column; `to_right` and `down` lead from one entry to the next as they are stored.
template <class T, bool noise>
struct RandomBlock {
    static constexpr double two_pi = 6.283185307179586477;

    RandomBlock(const Machine<T>& m, const Instruction& i)
        : to_(m.base[i.destination]),
          stride_(m.stride[i.destination]),
          to_right_(i.a_transposed ? std::uint32_t(m.length[i.rows]) : 1u),
          down_(i.a_transposed ? 1u : std::uint32_t(m.length[i.columns])),
          deviation_(__builtin_bit_cast(double, i.b)),
          threshold_(Word<T>(deviation_ * 4294967296.0)),
          value_(T(1.0 / (1.0 - deviation_))),
          first_(RandomWords::of(m.seed, std::uint64_t(m.step_number), std::uint64_t(i.a))),
          second_(first_.second()) {}

    // Columns begin at a multiple of a vector. `columns` are those of the whole matrix.
    void operator()(const Block& block, std::ptrdiff_t columns) const {
        const RandomBlock here = *this;  // in registers: a store may change what `this` points to
        const std::ptrdiff_t last = columns - lanes<T>;
        for (std::ptrdiff_t r = block.row_begin; r < block.row_end; ++r) {
            T* const row = here.to_ + r * here.stride_;
            const std::uint32_t begin = std::uint32_t(r) * here.down_;
            std::ptrdiff_t c = block.column_begin;
            for (; c < block.column_end && c <= last; c += lanes<T>)
                here.store_entries(row + c, begin + std::uint32_t(c) * here.to_right_, lanes<T>);
            if (c < block.column_end)
                here.store_entries(row + c, begin + std::uint32_t(c) * here.to_right_,
                                   int(columns - c));
        }
    }

private:
    // The words of consecutive lanes of T, the first for this entry. Doubles use the lower half of
    // their lanes; multiplication has instructions for 32 bits only before AVX-512.
    template <class U>
    CHAINRULE_INLINE Words<U> words_of(const RandomWords& words, std::uint32_t entry) const {
        const Words<U> entries =
            (Words<U>)lane_numbers<U>() * Word<U>(to_right_) + Word<U>(entry);
        const Words<float> found = words((Words<float>)entries);
        if constexpr (sizeof(U) == 4) return found;
        else return (Words<U>)found & Word<U>(0xffffffff);
    }

    // One vector, of which the first `live` lanes are entries and the others padding.
    CHAINRULE_INLINE void store_entries(T* to, std::uint32_t entry, int live) const {
        if constexpr (noise) {
            for (int part = 0; part < lanes<T>; part += lanes<double>)
                store_noise(to + part, entry + std::uint32_t(part) * to_right_, live - part);
        } else {
            const Ints<T> stays = (Ints<T>)(words_of<T>(first_, entry) >= threshold_);
            const Vec<T> found = from_bits<T>(bits<T>(broadcast<T>(value_)) & stays);
            store<T>(to, live == lanes<T> ? found : masked<T>(found, first_lanes<T>(live)));
        }
    }

    // Box and Muller's transform of two words, in double.
    CHAINRULE_INLINE void store_noise(T* to, std::uint32_t entry, int live) const {
        using V = Vec<double>;
        const V u = (number(words_of<double>(first_, entry)) + 0.5) * 0x1p-32;
        const V v = (number(words_of<double>(second_, entry)) + 0.5) * 0x1p-32;
        const V radius = sqrt<double>(-2.0 * log<double>(u)) * deviation_;
        const V drawn = masked<double>(radius * cos<double>(two_pi * v), first_lanes<double>(live));
        if constexpr (sizeof(T) == 8) {
            store<T>(to, drawn);
        } else {
            typedef float Half
                __attribute__((vector_size(vector_bytes / 2), aligned(4), may_alias));
            *reinterpret_cast<Half*>(to) = __builtin_convertvector(drawn, Half);
        }
    }

    // Words below 2^32 as numbers: no conversion of 64-bit integers exists before AVX-512DQ.
    CHAINRULE_INLINE static Vec<double> number(Words<double> below) {
        return from_words<double>(below | Word<double>(0x4330000000000000)) - 0x1p52;
    }

    T* const to_;
    const std::ptrdiff_t stride_;
    const std::uint32_t to_right_, down_;
    const double deviation_;   // of noise
    const Word<T> threshold_;  // of masks: words below it give 0; the largest is 2^32 - 1
    const T value_;            // of masks, elsewhere
    const RandomWords first_, second_;
};

// Vectors per microsecond on one thread (measured).
template <class T>
constexpr double mask_rate = 230.0;
template <class T>
constexpr double noise_rate = sizeof(T) == 4 ? 13.0 : 28.0;

template <class T, bool noise>
struct RandomValues {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return vectors_of<T>(i, lengths) / (noise ? noise_rate<T> : mask_rate<T>);
    }
    static void prepare(Machine<T>&, const Instruction&, PreparedInstruction<T>&) {}
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        RandomBlock<T, noise>(m, i)({0, m.length[i.rows], 0, m.length[i.columns]},
                                    m.length[i.columns]);
        apply_formula(m, i, prepared);
        return true;
    }
    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const std::ptrdiff_t rows = m.length[i.rows], columns = m.length[i.columns];
        const Grid grid(rows, columns, lanes<T>, work(i, m.length), m.threads(), rows >= columns);
        const RandomBlock<T, noise> compute(m, i);
        m.share(grid.count(), [&](std::ptrdiff_t part, int) { compute(grid(part), columns); });
        share_formula(m, i, prepared);
        return true;
    }
};

template <class T>
using Mask = RandomValues<T, false>;
template <class T>
using Noise = RandomValues<T, true>;

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
