// The Mersenne Twister MT19937 (Matsumoto, Nishimura 1998) as numpy.random.RandomState uses it, and
// its way to draw from 0 ... most: words are masked to the bits of `most` and drawn again while they
// are above it. The state comes from RandomState.get_state() and goes back to set_state().
#pragma once

#include "isa.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

class MersenneTwister {
public:
    static constexpr unsigned length = 624;

    // `state`: 624 words, then how many of them are used up. Changed in place.
    explicit MersenneTwister(std::uint32_t* state) : words_(state) {}

    std::uint32_t next32() {
        std::uint32_t& used = words_[length];
        if (used >= length) {
            renew();
            used = 0;
        }
        std::uint32_t y = words_[used++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    // A number of 0 ... most; most is at least 1 and below 2^32.
    std::uint32_t up_to(std::uint32_t most) {
        const std::uint32_t mask = ~std::uint32_t{0} >> __builtin_clz(most);
        for (;;) {
            const std::uint32_t drawn = next32() & mask;
            if (drawn <= most) return drawn;
        }
    }

private:
    void renew() {
        constexpr unsigned shift = 397;
        unsigned k = 0;
        for (; k < length - shift; ++k) words_[k] = words_[k + shift] ^ mixed(k, k + 1);
        for (; k < length - 1; ++k) words_[k] = words_[k + shift - length] ^ mixed(k, k + 1);
        words_[length - 1] = words_[shift - 1] ^ mixed(length - 1, 0);
    }
    std::uint32_t mixed(unsigned high, unsigned low) const {
        const std::uint32_t y = (words_[high] & 0x80000000u) | (words_[low] & 0x7fffffffu);
        return (y >> 1) ^ (-(y & 1u) & 0x9908b0dfu);
    }

    std::uint32_t* words_;
};

// Shuffles `order` on from what it is, as RandomState.shuffle does: for i = n - 1 down to 1 entry i
// changes places with one of the entries 0 ... i. `pause` is asked now and then; where it says true
// the shuffle ends early, and false is returned.
template <class Index, class Pause>
bool shuffle(MersenneTwister& random, Index* order, std::uint64_t n, const Pause& pause) {
    for (std::uint64_t i = n; i-- > 1;) {
        const std::uint32_t j = random.up_to(static_cast<std::uint32_t>(i));
        const Index kept = order[i];
        order[i] = order[j];
        order[j] = kept;
        if (i % 65536 == 0 && pause()) return false;
    }
    return true;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
