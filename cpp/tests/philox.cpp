// The random stream against NumPy's, and the shuffle against a plain Python program.
//
// Constants were printed by (numpy 2.4.6):
//   [hex(int(v)) for v in numpy.random.Philox(key=[1, 2]).random_raw(10)]
//   hex(int(numpy.bitwise_xor.reduce(numpy.random.Philox(key=[5, 7]).random_raw(100000))))
// (keys beyond 2^63 as numpy.array(key, dtype=numpy.uint64): a plain list of them becomes float64
// and another key) and for the shuffle, with raw = numpy.random.Philox(key=[3, 4]).random_raw(n):
//   halves = [h for w in raw for h in (int(w) & 0xffffffff, int(w) >> 32)]
//   order = list(range(n))
//   for i, r in zip(range(n - 1, 0, -1), halves):
//       j = (r * (i + 1)) >> 32
//       order[i], order[j] = order[j], order[i]
#include "../philox.hpp"

#include <vector>

#include "check.hpp"

namespace {

void stream(std::uint64_t key0, std::uint64_t key1, const std::vector<std::uint64_t>& expected) {
    chainrule::Philox random(key0, key1);
    bool same = true;
    for (const std::uint64_t word : expected) same = same && random.next64() == word;
    check::expect(same, "random_raw");
}

}  // namespace

int main() {
    stream(0, 0, {0x2f4ba6408e4d89b, 0x3dd62b0b9ca8c5b2, 0x1c8667a55d902e79, 0x907d7a052fd5b4dc,
                  0x809bf322883987c3, 0x471128b9e807f7dd, 0xf250ba0dbec065b7, 0xfc6ed66767a457bc,
                  0x40fa86f0f781945d, 0x31eed5a366689e12});
    stream(1, 2, {0x4f2f4313b5536b09, 0x5b617be3219ff32a, 0x97293476f9275cb, 0xf63f3bf4962c3942,
                  0x4dcc60473aa0f43, 0x6d905c9b986b0028, 0x559a6c953d16fe9d, 0xbd24fd1da9945eea,
                  0xa3484ceef3376fef, 0x86375ea3c1a87429});
    stream(0x0123456789abcdef, 0xfedcba9876543210,
           {0x2d2e7c09c193c5fa, 0xd56c6aa2d11f06aa, 0x184fcdf7f5474a23, 0x367832d087008054,
            0x56ffd4cf84d16286, 0x9fc1192f2145d80, 0x53d6554fb9aa0f62, 0xc3f437f88182365,
            0x7de3c4de6ea2e355, 0xc36993e707d9e1ce});

    chainrule::Philox many(5, 7);
    std::uint64_t all = 0;
    for (int i = 0; i < 100000; ++i) all ^= many.next64();
    check::expect(all == 0xdd92aeaa795449e0, "100,000 words");

    chainrule::Philox halves(1, 2);
    check::expect(halves.next32() == 0xb5536b09 && halves.next32() == 0x4f2f4313 &&
                      halves.next32() == 0x219ff32a,
                  "halves, low one first");

    chainrule::Philox twenty(3, 4);
    const std::vector<int> expected = {8, 2,  17, 13, 10, 6, 11, 0, 7,  14,
                                   15, 1, 16, 19, 3,  5, 12, 4, 18, 9};
    std::vector<int> order(20);
    chainrule::shuffle(twenty, order.data(), order.size());
    check::expect(order == expected, "shuffle of 20");

    chainrule::Philox large(3, 4);
    std::vector<std::int64_t> indices(100000);
    chainrule::shuffle(large, indices.data(), indices.size());
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < indices.size(); ++i) sum += (i + 1) * std::uint64_t(indices[i]);
    check::expect(sum == 250108022245260, "shuffle of 100,000 (position-weighted sum)");

    chainrule::Philox none(0, 0);
    std::vector<int> one = {7};
    chainrule::shuffle(none, one.data(), 0);
    check::expect(one[0] == 7, "shuffle of none");
    chainrule::shuffle(none, one.data(), 1);
    check::expect(one[0] == 0, "shuffle of one");
    check::expect(none.next64() == 0x2f4ba6408e4d89b, "shuffles of 0 and 1 take nothing");
    return check::finish("philox");
}
