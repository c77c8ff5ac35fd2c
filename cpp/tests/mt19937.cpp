// The Mersenne Twister's words and its shuffle against NumPy's.
//
// Constants were printed by (numpy 2.4.6):
//   r = numpy.random.RandomState(5489); [int(v) for v in r.randint(0, 2**32, 5, dtype=numpy.uint32)]
// (the words themselves: its first is 3499211612, that of the authors' mt19937ar.out with
// init_genrand(5489)), int(numpy.bitwise_xor.reduce(r.randint(0, 2**32, 2000, dtype=numpy.uint32)))
// for the next 2,000, and for the shuffle
//   r = numpy.random.RandomState(5489); a = numpy.arange(20); r.shuffle(a); a; r.shuffle(a); a
//   a = numpy.arange(100000); r.shuffle(a); int(((numpy.arange(100000) + 1) * a).sum())
// tests/kernels/test_trainer.py compares many sizes with NumPy itself.
#include "../mt19937.hpp"

#include <vector>

#include "check.hpp"

namespace {

// The authors' init_genrand, which RandomState(seed) uses too.
std::vector<std::uint32_t> seeded(std::uint32_t seed) {
    std::vector<std::uint32_t> state(625);
    state[0] = seed;
    for (std::uint32_t i = 1; i < 624; ++i)
        state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    state[624] = 624;
    return state;
}

}  // namespace

int main() {
    using chainrule::MersenneTwister;
    const auto never_stop = [] { return false; };
    auto state = seeded(5489);
    MersenneTwister words(state.data());
    bool same = true;
    for (const std::uint32_t expected :
         {3499211612u, 581869302u, 3890346734u, 3586334585u, 545404204u})
        same = same && words.next32() == expected;
    check::expect(same, "words");
    std::uint32_t all = 0;
    for (int i = 0; i < 2000; ++i) all ^= words.next32();
    check::expect(all == 1037148678u, "2,000 words");
    check::expect(state[624] == 2005 % 624, "the index of the next word is in the state");

    state = seeded(5489);
    MersenneTwister random(state.data());
    std::vector<int> order(20);
    for (int i = 0; i < 20; ++i) order[std::size_t(i)] = i;
    chainrule::shuffle(random, order.data(), order.size(), never_stop);
    check::expect(order == std::vector<int>{13, 9, 18, 8, 6, 2, 16, 19, 7, 0,
                                            15, 4, 17, 3, 11, 10, 1, 5, 12, 14},
                  "shuffle of 20");
    chainrule::shuffle(random, order.data(), order.size(), never_stop);
    check::expect(order == std::vector<int>{9, 12, 1, 10, 6, 18, 17, 8, 16, 2,
                                            13, 15, 7, 4, 14, 0, 19, 11, 5, 3},
                  "a second shuffle");

    std::vector<std::int64_t> indices(100000);
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = std::int64_t(i);
    chainrule::shuffle(random, indices.data(), indices.size(), never_stop);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < indices.size(); ++i) sum += (i + 1) * std::uint64_t(indices[i]);
    check::expect(sum == 249345686277563, "shuffle of 100,000 (position-weighted sum)");

    const auto before = state;
    chainrule::shuffle(random, order.data(), 0, never_stop);
    chainrule::shuffle(random, order.data(), 1, never_stop);
    check::expect(state == before, "shuffles of 0 and 1 take nothing");
    check::expect(!chainrule::shuffle(random, indices.data(), indices.size(), [] { return true; }),
                  "a pause ends a long shuffle");
    return check::finish("mt19937");
}
