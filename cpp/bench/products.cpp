// Speed of the three products of each layer, as a share of the fma peak measured beside them.
//
//   g++ -std=c++20 -O3 -march=x86-64-v4 -ffp-contract=off cpp/bench/products.cpp -o products
//   taskset -c 1 ./products [double]
//
// Epilogues are those of training: forward adds the bias, backward multiplies by the sigmoid's
// slope, the gradient updates the weights (plain SGD); the activation itself is timed apart, and
// so is the transpose of W that backward needs. Only useful operations are counted (2·B·in·out):
// padding, tails and epilogues are losses. Each figure is the median of 15 rounds, and each round
// measures the peak again (24 independent chains of fma).
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../matmul.hpp"
#include "../narrow.hpp"
#include "../primitives.hpp"

namespace {

using namespace chainrule;

// Time of this thread on the processor: others may take their turns on a shared machine.
double seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

template <class T>
[[gnu::noinline]] double peak_flops() {
    Vec<T> sum[24];
    for (int i = 0; i < 24; ++i) sum[i] = broadcast<T>(T(i));
    Vec<T> x = broadcast<T>(T(0.999)), y = broadcast<T>(T(0.001));
    __asm__ volatile("" : "+m"(x), "+m"(y));
    const long rounds = 20000;
    const double begin = seconds();
    for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
        for (int i = 0; i < 24; ++i) sum[i] = fma<T>(sum[i], x, y);
    }
    const double time = seconds() - begin;
    for (int i = 1; i < 24; ++i) sum[0] += sum[i];
    __asm__ volatile("" : : "m"(sum[0]));
    return 24.0 * 2 * lanes<T> * double(rounds) / time;
}

template <class T>
struct Array {
    std::ptrdiff_t stride;
    std::vector<T> storage;
    T* data;
    Array(std::ptrdiff_t rows, std::ptrdiff_t width)
        : stride(row_stride<T>(width)), storage(std::size_t(padded<T>(rows) * stride + 64)) {
        data = storage.data();
        while (reinterpret_cast<std::uintptr_t>(data) % 64) ++data;
        for (std::ptrdiff_t r = 0; r < rows; ++r)
            for (std::ptrdiff_t c = 0; c < width; ++c)
                data[r * stride + c] = T((r * 37 + c * 11) % 64 - 32) / T(256);
    }
};

template <class T>
struct Slope {  // delta = (sum) * a * (1 - a)
    static constexpr bool in_registers = true;
    const T* a;
    T* delta;
    std::ptrdiff_t stride;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t r, std::ptrdiff_t c, Vec<T> sum,
                                     Ints<T>) const {
        const Vec<T> value = load<T>(a + r * stride + c);
        store<T>(delta + r * stride + c, sum * value * (T(1) - value));
    }
};

template <class T>
struct Descend {  // W -= rate * G
    static constexpr bool in_registers = true;
    T* weights;
    std::ptrdiff_t stride;
    T rate;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t r, std::ptrdiff_t c, Vec<T> sum,
                                     Ints<T>) const {
        T* const entry = weights + r * stride + c;
        store<T>(entry, fma<T>(broadcast<T>(-rate), sum, load<T>(entry)));
    }
};

struct Figure {
    double share, nanoseconds;
};

template <class T, class Work>
Figure measure(double operations, Work work) {
    std::vector<Figure> figures;
    const long repeats = std::max(1L, long(3e7 / (operations + 3000)));
    for (int round = 0; round < 15; ++round) {
        const double peak = peak_flops<T>();
        const double begin = seconds();
        for (long i = 0; i < repeats; ++i) {
            work();
            __asm__ volatile("" : : : "memory");
        }
        const double time = (seconds() - begin) / double(repeats);
        figures.push_back({operations / time / peak, time * 1e9});
    }
    std::sort(figures.begin(), figures.end(),
              [](const Figure& a, const Figure& b) { return a.share < b.share; });
    return figures[7];
}

template <class T>
void layer(std::ptrdiff_t B, std::ptrdiff_t in, std::ptrdiff_t out, bool first) {
    const double operations = 2.0 * double(B) * double(in) * double(out);
    const bool narrow = is_narrow<T>(out);
    Array<T> X(B, in), W(in, out), Wt(out, in), bias(1, out), Z(B, out), delta(B, out),
        dA(B, in), Zt(out, B), delta_t(out, B);
    Figure forward, backward{}, gradient, turn{}, activation;
    if (narrow) {
        auto store_sums = [&](std::ptrdiff_t o, std::ptrdiff_t s, Vec<T> z, Ints<T>) {
            store<T>(Zt.data + o * Zt.stride + s, z);
        };
        forward = measure<T>(operations, [&] {
            forward_narrow<T>(0, B, out, in, X.data, X.stride, Wt.data, Wt.stride, bias.data,
                              store_sums);
        });
        backward = measure<T>(operations, [&] {
            multiply<T, Along::rows>({0, B, 0, in}, out, {delta_t.data, delta_t.stride},
                                     {Wt.data, Wt.stride}, nullptr,
                                     Slope<T>{X.data, dA.data, dA.stride});
        });
        gradient = measure<T>(operations, [&] {
            multiply<T, Along::depth>({0, out, 0, in}, B, {delta_t.data, delta_t.stride},
                                      {X.data, X.stride}, nullptr,
                                      Descend<T>{Wt.data, Wt.stride, T(1e-9)});
        });
    } else {
        forward = measure<T>(operations, [&] {
            multiply<T, Along::depth>({0, B, 0, out}, in, {X.data, X.stride}, {W.data, W.stride},
                                      bias.data, Store<T>{Z.data, Z.stride}, {Z.data, Z.stride});
        });
        turn = measure<T>(operations, [&] {
            transpose<T>(in, 0, out, W.data, W.stride, Wt.data, Wt.stride);
        });
        backward = measure<T>(operations, [&] {
            multiply<T, Along::depth>({0, B, 0, in}, out, {delta.data, delta.stride},
                                      {Wt.data, Wt.stride}, nullptr,
                                      Slope<T>{X.data, dA.data, dA.stride}, {dA.data, dA.stride});
        });
        gradient = measure<T>(operations, [&] {
            multiply<T, Along::rows>({0, in, 0, out}, B, {X.data, X.stride},
                                     {delta.data, delta.stride}, nullptr,
                                     Descend<T>{W.data, W.stride, T(1e-9)});
        });
    }
    Array<T>& pre = narrow ? Zt : Z;
    const std::ptrdiff_t rows = narrow ? out : B, width = narrow ? B : out;
    activation = measure<T>(operations, [&] {
        for (std::ptrdiff_t r = 0; r < rows; ++r)
            for (std::ptrdiff_t c = 0; c < width; c += lanes<T>) {
                T* const entry = pre.data + r * pre.stride + c;
                store<T>(entry, sigmoid<T>(load<T>(entry)));
            }
    });
    std::printf("%5td -> %-4td B %-4td %s forward %.2f %9.0f ns | gradient %.2f %9.0f ns | ", in,
                out, B, narrow ? "narrow" : "      ", forward.share, forward.nanoseconds,
                gradient.share, gradient.nanoseconds);
    if (!first) {
        std::printf("backward %.2f %9.0f ns | ", backward.share, backward.nanoseconds);
        std::printf("transpose %7.0f ns | ", turn.nanoseconds);
    }
    std::printf("sigmoid %.0f ns\n", activation.nanoseconds);
}

template <class T>
void all() {
    for (int warm = 0; warm < 50; ++warm) peak_flops<T>();  // wide vectors take a while to run fast
    std::printf("%s, %d lanes, peak %.0f GFLOP/s\n", sizeof(T) == 4 ? "float" : "double",
                lanes<T>, peak_flops<T>() * 1e-9);
    const std::vector<std::vector<std::ptrdiff_t>> networks = {
        {32, 4, 16, 3},  {32, 30, 64, 64, 1},    {32, 64, 100, 10},        {200, 4, 32, 16, 4},
        {10, 784, 30, 10}, {128, 784, 128, 10}, {256, 784, 512, 512, 10}};
    for (const auto& network : networks)
        for (std::size_t l = 1; l + 1 < network.size(); ++l)
            layer<T>(network[0], network[l], network[l + 1], l == 1);
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 1 && std::strcmp(arguments[1], "double") == 0)
        all<double>();
    else
        all<float>();
}
