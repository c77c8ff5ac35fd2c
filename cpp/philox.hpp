// Philox4x64-10, the counter-based generator (Salmon, Moraes, Dror, Shaw: Parallel random numbers:
// as easy as 1, 2, 3, SC11), and the shuffle of an epoch.
//
// The stream is that of numpy.random.Philox(key=[key0, key1]).random_raw(): the counter is raised
// before each block, so the first block belongs to counter 1. Any block can be had by itself,
// which is why neither resuming nor threads can disturb the order of samples.
#pragma once

#include "isa.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

class Philox {
public:
    Philox(std::uint64_t key0, std::uint64_t key1) : key_{key0, key1} {}

    // The next 64 bits of the stream.
    std::uint64_t next64() {
        if (used_ == 4) {
            for (std::uint64_t& word : counter_)
                if (++word != 0) break;
            fill();
            used_ = 0;
        }
        return block_[used_++];
    }

    // The next 32 bits: the low half of a word first, then its high half. A word whose high half
    // is pending is not seen by next64.
    std::uint32_t next32() {
        if (pending_) {
            pending_ = false;
            return high_;
        }
        const std::uint64_t word = next64();
        high_ = static_cast<std::uint32_t>(word >> 32);
        pending_ = true;
        return static_cast<std::uint32_t>(word);
    }

private:
    void fill() {
        __extension__ using Wide = unsigned __int128;
        std::uint64_t c0 = counter_[0], c1 = counter_[1], c2 = counter_[2], c3 = counter_[3];
        std::uint64_t k0 = key_[0], k1 = key_[1];
        for (int round = 0; round < 10; ++round) {
            const Wide p0 = Wide{0xD2E7470EE14C6C93} * c0;
            const Wide p1 = Wide{0xCA5A826395121157} * c2;
            c0 = static_cast<std::uint64_t>(p1 >> 64) ^ c1 ^ k0;
            c1 = static_cast<std::uint64_t>(p1);
            c2 = static_cast<std::uint64_t>(p0 >> 64) ^ c3 ^ k1;
            c3 = static_cast<std::uint64_t>(p0);
            k0 += 0x9E3779B97F4A7C15;  // the golden ratio
            k1 += 0xBB67AE8584CAA73B;  // sqrt(3) - 1
        }
        block_[0] = c0;
        block_[1] = c1;
        block_[2] = c2;
        block_[3] = c3;
    }

    std::uint64_t key_[2];
    std::uint64_t counter_[4] = {};
    std::uint64_t block_[4] = {};
    unsigned used_ = 4;
    bool pending_ = false;
    std::uint32_t high_ = 0;
};

// order = 0, 1, ..., n - 1 shuffled (Fisher, Yates): for i = n - 1 down to 1, with r the next 32
// bits, order[i] and order[r * (i + 1) >> 32] are exchanged. The product replaces a remainder
// (Lemire 2019) and its bias is below n / 2^32. n is at most 2^32. `pause` is called at
// intervals; if it returns true the shuffle ends early, and false is returned.
template <class Index, class Pause>
bool shuffle(Philox& random, Index* order, std::uint64_t n, const Pause& pause) {
    for (std::uint64_t i = 0; i < n; ++i) order[i] = static_cast<Index>(i);
    for (std::uint64_t i = n; i-- > 1;) {
        const std::uint64_t j = std::uint64_t{random.next32()} * (i + 1) >> 32;
        const Index entry = order[i];
        order[i] = order[j];
        order[j] = entry;
        if (i % 65536 == 0 && pause()) return false;
    }
    return true;
}

template <class Index>
void shuffle(Philox& random, Index* order, std::uint64_t n) {
    shuffle(random, order, n, [] { return false; });
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
