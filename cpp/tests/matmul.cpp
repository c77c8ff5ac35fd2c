// The products against a naive loop, and the promises about order, padding and blocks.
//
// Argument --quick: fewer and smaller shapes (for emulators).
#include "../matmul.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "../narrow.hpp"
#include "check.hpp"

namespace {

namespace cr = chainrule;
using Index = std::ptrdiff_t;

std::mt19937_64 engine(11);

// A padded array on the heap, filled with normal numbers; the padding holds `pad`.
template <class T>
struct Matrix {
    Index rows, columns, stride;
    std::vector<T> storage;
    T* data;

    Matrix(Index rows_, Index columns_, T pad, bool random = true)
        : rows(rows_), columns(columns_), stride(cr::row_stride<T>(columns_)),
          storage(std::size_t(rows_ * stride + 64 / Index(sizeof(T))), pad), data(storage.data()) {
        while (reinterpret_cast<std::uintptr_t>(data) % 64) ++data;
        std::normal_distribution<double> normal;
        if (random)
            for (Index r = 0; r < rows; ++r)
                for (Index c = 0; c < columns; ++c) (*this)(r, c) = T(normal(engine));
    }
    Matrix(const Matrix&) = delete;
    T& operator()(Index r, Index c) { return data[r * stride + c]; }
    const T& operator()(Index r, Index c) const { return data[r * stride + c]; }

    bool padding_is(T value) const {
        for (Index r = 0; r < rows; ++r)
            for (Index c = columns; c < stride; ++c)
                if ((*this)(r, c) != value) return false;
        return true;
    }
};

// Stores the live lanes only, and counts the calls for each element.
template <class T>
struct Keep {
    Matrix<T>& out;
    std::vector<int>& calls;
    void operator()(Index r, Index c, cr::Vec<T> sum, cr::Ints<T> live) const {
        for (int lane = 0; lane < cr::lanes<T>; ++lane)
            if (live[lane]) {
                out(r, c + lane) = sum[lane];
                ++calls[std::size_t(r * out.columns + c + lane)];
            }
    }
};

template <class T>
T chain(T a, T b, T c) {
    return cr::fused ? std::fma(a, b, c) : a * b + c;
}

enum class Room { none, own, result };  // where partial sums go

// The same in registers: the epilogue is compiled into the tile.
template <class T>
struct KeepDirect : Keep<T> {
    static constexpr bool in_registers = true;
};

// One product in both orientations of A: the bits of the plain chain, each element once.
template <class T, cr::Along along>
void product(Index m, Index n, Index depth, bool bias, Room room) {
    const bool rows = along == cr::Along::rows;
    Matrix<T> A(rows ? depth : m, rows ? m : depth, T(NAN)), B(depth, n, T(0)), start(1, n, T(0)),
        C(m, n, T(-7), false), sums(m, n, T(-5), false);
    std::vector<int> calls(std::size_t(m * n));
    const cr::Partial<T> partial = room == Room::none  ? cr::Partial<T>{}
                                   : room == Room::own ? cr::Partial<T>{sums.data, sums.stride}
                                                       : cr::Partial<T>{C.data, C.stride};
    const T* const from = bias ? start.data : nullptr;
    if (m % 2)
        cr::multiply<T, along>({0, m, 0, n}, depth, {A.data, A.stride}, {B.data, B.stride}, from,
                               Keep<T>{C, calls}, partial);
    else
        cr::multiply<T, along>({0, m, 0, n}, depth, {A.data, A.stride}, {B.data, B.stride}, from,
                               KeepDirect<T>{{C, calls}}, partial);
    bool exact = true, once = true;
    double worst = 0;
    for (Index r = 0; r < m; ++r)
        for (Index c = 0; c < n; ++c) {
            T sum = bias ? start(0, c) : T(0);
            double naive = sum, size = std::fabs(naive);
            for (Index k = 0; k < depth; ++k) {
                const T a = rows ? A(k, r) : A(r, k);
                sum = chain(a, B(k, c), sum);
                naive += double(a) * double(B(k, c));
                size += std::fabs(double(a) * double(B(k, c)));
            }
            exact = exact && std::memcmp(&sum, &C(r, c), sizeof sum) == 0;
            once = once && calls[std::size_t(r * n + c)] == 1;
            worst = std::max(worst, std::fabs(double(C(r, c)) - naive) / (size + 1e-300));
        }
    check::expect(exact, "product: the bits of the chain k = 0, 1, 2, ...");
    check::expect(once, "product: epilogue sees every element once");
    check::expect(worst <= double(depth + 1) * (sizeof(T) == 4 ? 6e-8 : 1.2e-16),
                  "product: close to the naive sum in double");
    // Partial sums write whole vectors; then the padding is what B's zeros make of it.
    check::expect(room == Room::result || C.padding_is(T(-7)), "product: padding untouched");
}

// Rows of a product are the same alone, in any batch, at any position, and in any share of blocks.
template <class T>
void positions(Index m, Index n, Index depth) {
    Matrix<T> A(m, depth, T(NAN)), B(depth, n, T(0)), whole(m, n, T(0), false),
        parts(m, n, T(0), false);
    const cr::Store<T> store{whole.data, whole.stride}, piece{parts.data, parts.stride};
    cr::multiply<T, cr::Along::depth>({0, m, 0, n}, depth, {A.data, A.stride}, {B.data, B.stride},
                                      nullptr, store, {whole.data, whole.stride});
    for (Index r = 0; r < m; ++r)
        cr::multiply<T, cr::Along::depth>({r, r + 1, 0, n}, depth, {A.data, A.stride},
                                          {B.data, B.stride}, nullptr, piece);
    check::expect(whole.storage.size() == parts.storage.size() &&
                      std::memcmp(whole.data, parts.data, std::size_t(m * whole.stride) *
                                                              sizeof(T)) == 0,
                  "rows alone have the bits of the batch");
    const Index row = m / 3, column = cr::padded<T>(n / 2) < n ? cr::padded<T>(n / 2) : 0;
    std::fill(parts.storage.begin(), parts.storage.end(), T(0));
    const cr::Block blocks[] = {
        {0, row, 0, column}, {row, m, 0, column}, {0, row, column, n}, {row, m, column, n}};
    for (const cr::Block& block : blocks)
        cr::multiply<T, cr::Along::depth>(block, depth, {A.data, A.stride}, {B.data, B.stride},
                                          nullptr, piece, {parts.data, parts.stride});
    check::expect(std::memcmp(whole.data, parts.data,
                              std::size_t(m * whole.stride) * sizeof(T)) == 0,
                  "four blocks have the bits of one");
}

template <class T>
void narrow(Index samples, Index outputs, Index depth) {
    Matrix<T> X(samples, depth, T(99)), W(outputs, depth, T(0)), bias(1, outputs, T(0)),
        Z(outputs, samples, T(-7), false), one(outputs, 1, T(0), false);
    std::vector<int> calls(std::size_t(outputs * samples)), single(std::size_t(outputs) * 1);
    cr::forward_narrow<T>(0, samples, outputs, depth, X.data, X.stride, W.data, W.stride,
                          bias.data, Keep<T>{Z, calls});
    bool exact = true, once = true, alone = true;
    for (Index s = 0; s < samples; ++s) {
        cr::forward_narrow<T>(0, 1, outputs, depth, X.data + s * X.stride, X.stride, W.data,
                              W.stride, bias.data, Keep<T>{one, single});
        for (Index o = 0; o < outputs; ++o) {
            T part[cr::lanes<T>] = {};
            for (Index k = 0; k < depth; ++k)
                part[k % cr::lanes<T>] = chain(X(s, k), W(o, k), part[k % cr::lanes<T>]);
            for (int half = cr::lanes<T> / 2; half > 0; half /= 2)
                for (int lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
            exact = exact && Z(o, s) == part[0] + bias(0, o);
            alone = alone && Z(o, s) == one(o, 0);
            once = once && calls[std::size_t(o * samples + s)] == 1;
        }
    }
    check::expect(exact, "narrow: the stated order");
    check::expect(alone, "narrow: a sample alone has the bits of the batch");
    check::expect(once && Z.padding_is(T(-7)), "narrow: each element once, padding untouched");
}

template <class T>
void transposed(Index rows, Index columns) {
    Matrix<T> in(rows, columns, T(-3)), out(columns, rows, T(-7), false);
    cr::transpose<T>(rows, 0, columns, in.data, in.stride, out.data, out.stride);
    bool right = true;
    for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < columns; ++c) right = right && out(c, r) == in(r, c);
    for (Index c = 0; c < columns; ++c)
        for (Index r = rows; r < cr::padded<T>(rows); ++r) right = right && out(c, r) == 0;
    check::expect(right, "transpose, zeros in the padding");
}

template <class T>
void sums(Index rows, Index columns) {
    Matrix<T> in(rows, columns, T(0)), out(1, columns, T(0), false);
    cr::column_sums<T>(rows, 0, columns, in.data, in.stride,
                       [&](Index, Index c, cr::Vec<T> sum, cr::Ints<T> live) {
                           for (int lane = 0; lane < cr::lanes<T>; ++lane)
                               if (live[lane]) out(0, c + lane) = sum[lane];
                       });
    bool right = true;
    for (Index c = 0; c < columns; ++c) {
        T part[4] = {};
        for (Index r = 0; r < rows; ++r) part[r % 4] += in(r, c);
        right = right && (part[0] + part[1]) + (part[2] + part[3]) == out(0, c);
    }
    check::expect(right, "column_sums in the stated order");

    Matrix<T> along(1, rows, T(-7), false);
    cr::row_sums<T>(rows, columns, in.data, in.stride,
                    [&](Index, Index r, cr::Vec<T> sum, cr::Ints<T> live) {
                        for (int lane = 0; lane < cr::lanes<T>; ++lane)
                            if (live[lane]) along(0, r + lane) = sum[lane];
                    });
    right = true;
    for (Index r = 0; r < rows; ++r) {
        T part[cr::lanes<T>] = {};
        for (Index c = 0; c < columns; ++c) part[c % cr::lanes<T>] += in(r, c);
        for (int half = cr::lanes<T> / 2; half > 0; half /= 2)
            for (int lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
        right = right && part[0] == along(0, r);
    }
    check::expect(right && along.padding_is(T(-7)), "row_sums in the stated order");
}

template <class T>
void all(bool quick) {
    std::uniform_int_distribution<Index> size(1, 70);
    for (int round = 0; round < (quick ? 12 : 300); ++round) {
        const Index m = size(engine), n = size(engine), depth = size(engine);
        const Room room = Room(round % 3);
        product<T, cr::Along::depth>(m, n, depth, round % 2, room);
        product<T, cr::Along::rows>(m, n, depth, round % 2, room);
        positions<T>(m, n, depth);
        narrow<T>(m, 1 + n % 5, depth);
        transposed<T>(m, n);
        sums<T>(m, n);
    }
    if (quick) return;
    for (const Index depth : {Index(257), Index(784), Index(1500)}) {  // several depth blocks
        product<T, cr::Along::depth>(40, 70, depth, true, Room::result);
        product<T, cr::Along::rows>(13, 33, depth, false, Room::own);
        product<T, cr::Along::rows>(13, 33, depth, false, Room::none);
        positions<T>(30, 50, depth);
    }
    product<T, cr::Along::depth>(900, 20, 300, true, Room::own);  // several row blocks
    product<T, cr::Along::rows>(900, 20, 300, true, Room::own);
    product<T, cr::Along::depth>(5, 5, 0, true, Room::none);  // an empty sum is the bias
    positions<T>(256, 130, 512);
}

}  // namespace

int main(int count, char** arguments) {
    const bool quick = count > 1 && std::strcmp(arguments[1], "--quick") == 0;
    all<float>(quick);
    all<double>(quick);
    return check::finish("matmul");
}
