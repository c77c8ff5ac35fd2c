// Loads and stores of every length, masks, fma, weaving, folding, and the compile options.
#include "../vectors.hpp"

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"

namespace {

namespace cr = chainrule;

template <class T>
bool same(cr::Vec<T> a, cr::Vec<T> b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

// Partial loads and stores at the very end of a heap block: a sanitizer sees any step beyond.
template <class T>
void partial() {
    constexpr int n = cr::lanes<T>;
    for (int count = 0; count <= n; ++count) {
        std::vector<T> source(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) source[std::size_t(i)] = T(i + 1);
        const cr::Vec<T> value = cr::load_first<T>(source.data(), count);
        bool right = true;
        for (int lane = 0; lane < n; ++lane)
            right = right && value[lane] == (lane < count ? T(lane + 1) : T(0));
        check::expect(right, "load_first");

        std::vector<T> target(static_cast<std::size_t>(count));
        cr::Vec<T> ramp = value;
        for (int lane = 0; lane < n; ++lane) ramp[lane] = T(lane + 1);
        cr::store_first<T>(target.data(), ramp, count);
        check::expect(target == source, "store_first");
        check::expect(same<T>(cr::keep_first<T>(ramp, count), value), "keep_first");

        T guarded[n + 1];
        for (T& element : guarded) element = T(-7);
        cr::store_first<T>(guarded, ramp, count);
        right = true;
        for (int i = count; i <= n; ++i) right = right && guarded[i] == T(-7);
        check::expect(right, "store_first leaves the rest");
    }
}

template <class T>
void whole() {
    constexpr int n = cr::lanes<T>;
    alignas(64) T memory[2 * n];
    for (int i = 0; i < 2 * n; ++i) memory[i] = T(i);
    const cr::Vec<T> a = cr::load<T>(memory), b = cr::load_unaligned<T>(memory + 1);
    bool right = true;
    for (int lane = 0; lane < n; ++lane)
        right = right && a[lane] == T(lane) && b[lane] == T(lane + 1);
    check::expect(right, "load");
    cr::store<T>(memory + n, a);
    cr::store_unaligned<T>(memory + 1, a);
    check::expect(memory[0] == 0 && memory[1] == 0 && memory[n] == T(n - 1) &&
                      memory[2 * n - 1] == T(n - 1),
                  "store");

    const cr::Vec<T> low = cr::Weave<T>::low(a, b), high = cr::Weave<T>::high(a, b);
    right = true;
    for (int lane = 0; lane < n; ++lane) {
        const cr::Vec<T>& from = lane % 2 ? b : a;
        right = right && low[lane] == from[lane / 2] && high[lane] == from[n / 2 + lane / 2];
    }
    check::expect(right, "weave");

    check::expect(same<T>(cr::select<T>(a < b, a, b), a), "select");
    check::expect(same<T>(cr::select<T>(cr::first_lanes<T>(1), b, a) - a,
                          cr::keep_first<T>(cr::broadcast<T>(T(1)), 1)),
                  "select by lanes");
    check::expect(same<T>(cr::from_bits<T>(cr::bits<T>(a)), a), "bits");
    check::expect(std::signbit(cr::broadcast<T>(T(-0.0))[n - 1]), "broadcast of -0");
    check::expect(cr::padded<T>(0) == 0 && cr::padded<T>(1) == n && cr::padded<T>(n) == n &&
                      cr::padded<T>(n + 1) == 2 * n,
                  "padded");
}

template <class T>
void folds() {
    constexpr int n = cr::lanes<T>;
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    for (int round = 0; round < 1000; ++round) {
        cr::Vec<T> value;
        T part[n];
        for (int lane = 0; lane < n; ++lane) part[lane] = T(normal(random));
        for (int lane = 0; lane < n; ++lane) value[lane] = part[lane];
        T largest = part[0], smallest = part[0];
        for (const T x : part) {
            largest = x > largest ? x : largest;
            smallest = x < smallest ? x : smallest;
        }
        for (int half = n / 2; half > 0; half /= 2)
            for (int lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
        check::expect(cr::sum_lanes<T>(value) == part[0], "sum_lanes, by halves");
        check::expect(cr::largest_lane<T>(value) == largest, "largest_lane");
        check::expect(cr::smallest_lane<T>(value) == smallest, "smallest_lane");
        value[round % n] = T(NAN);
        check::expect(std::isnan(cr::largest_lane<T>(value)), "largest_lane keeps NaN");
        check::expect(std::isnan(cr::smallest_lane<T>(value)), "smallest_lane keeps NaN");
    }
}

// (1 + e)(1 - e) - 1 is -e² with one rounding and 0 with two. Volatile, so that nothing is folded.
template <class T>
void fused_or_not() {
    const T e = std::ldexp(T(1), sizeof(T) == 4 ? -20 : -40);
    volatile T a = 1 + e, b = 1 - e, c = -1;
    const cr::Vec<T> x = cr::broadcast<T>(a), y = cr::broadcast<T>(b), z = cr::broadcast<T>(c);
    const T once = cr::fma<T>(x, y, z)[cr::lanes<T> - 1];
    check::expect(once == (cr::fused ? -e * e : T(0)), "fma rounds once where fused");
    check::expect(cr::fnma<T>(x, y, -z)[0] == -once, "fnma");
    check::expect((x * y + z)[0] == 0, "a * b + c rounds twice: compile with -ffp-contract=off");
}

template <class T>
void all() {
    partial<T>();
    whole<T>();
    folds<T>();
    fused_or_not<T>();
}

}  // namespace

int main() {
    all<float>();
    all<double>();
    std::printf("vectors of %d bytes, %s multiply-add\n", cr::vector_bytes,
                cr::fused ? "fused" : "unfused");
    return check::finish("vectors");
}
