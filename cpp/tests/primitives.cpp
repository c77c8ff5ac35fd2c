// Largest error of every function of primitives.hpp, and its values at the special points.
//
//   primitives            a strided sample of all float32 inputs, every exponent included
//   primitives --all      all 2^32 float32 inputs (minutes)
//   primitives --quick    a tenth of the sample (for emulators)
//
// Oracle: libm in double for float, in long double for double. The unit is the spacing of the
// number type at the exact result. Subnormal inputs and results are held to no prepared but may
// come out as zero, or as the result of zero.
#include "../primitives.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

namespace {

namespace cr = chainrule;

template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
T number(Bits<T> bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T>
struct Function {
    const char* name;
    cr::Vec<T> (*ours)(cr::Vec<T>);
    Wide<T> (*exact)(Wide<T>);
    double allowed;  // ULP, asserted
};

template <class T>
struct Worst {
    double ulp = 0;
    T at = 0;
    long wrong = 0;
    T wrong_at = 0;

    void take(T x, T got, Wide<T> exact, Wide<T> at_zero) {
        using Limits = std::numeric_limits<T>;
        const T rounded = static_cast<T>(exact);
        if (std::fabs(x) < Limits::min() && x != 0) {
            // A subnormal argument may count as zero.
            const T zero = static_cast<T>(at_zero);
            count(x, got == zero || std::fabs(got - rounded) <= std::fabs(rounded) / 4 ||
                         (std::isnan(got) && std::isnan(rounded)));
        } else if (std::isnan(rounded) || std::isnan(got)) {
            count(x, std::isnan(rounded) && std::isnan(got));
        } else if (std::isinf(rounded) || std::isinf(got)) {
            count(x, rounded == got);
        } else if (std::fabs(exact) < Limits::min()) {
            count(x, got == 0 ? std::signbit(got) == std::signbit(rounded) || rounded != 0
                              : std::fabs(got - rounded) < Limits::min() * Limits::epsilon() * 4);
        } else {
            int exponent;
            std::frexp(exact, &exponent);
            const Wide<T> unit = std::ldexp(Wide<T>(1), exponent - Limits::digits);
            const double distance = static_cast<double>(std::fabs(got - exact) / unit);
            if (distance > ulp) {
                ulp = distance;
                at = x;
            }
        }
    }
    void count(T x, bool right) {
        if (right) return;
        ++wrong;
        wrong_at = x;
    }
};

// One register at a time; every lane must give what lane 0 gives for the same argument.
template <class T>
void evaluate(const Function<T>& f, const T* x, Worst<T>& worst) {
    const cr::Vec<T> y = f.ours(cr::load_unaligned<T>(x));
    for (int lane = 0; lane < cr::lanes<T>; ++lane)
        worst.take(x[lane], y[lane], f.exact(Wide<T>(x[lane])),
                   f.exact(std::copysign(Wide<T>(0), Wide<T>(x[lane]))));
}

template <class T>
void report(const Function<T>& f, const Worst<T>& worst) {
    std::printf("  %-6s %-8s worst %.3f ULP at %-24.17g (allowed %.2f)\n",
                sizeof(T) == 4 ? "float" : "double", f.name, worst.ulp, double(worst.at),
                f.allowed);
    if (worst.wrong)
        std::printf("  %ld wrong values, one at %.17g\n", worst.wrong, double(worst.wrong_at));
    check::expect(worst.ulp <= f.allowed && worst.wrong == 0, f.name);
}

template <class T>
std::vector<Function<T>> functions() {
    using V = cr::Vec<T>;
    using W = Wide<T>;
    constexpr bool single = sizeof(T) == 4;
    // Bounds: fused multiply-add | without (x86-64-v2).
    const auto allowed = [](double f, double d, double f_plain, double d_plain) {
        return cr::fused ? (single ? f : d) : (single ? f_plain : d_plain);
    };
    return {
        {"exp", [](V x) { return cr::exp<T>(x); }, [](W x) { return W(std::exp(x)); },
         allowed(1.05, 1.05, 1.05, 1.05)},
        {"expm1", [](V x) { return cr::expm1<T>(x); }, [](W x) { return W(std::expm1(x)); },
         allowed(1.5, 2.15, 1.6, 2.3)},
        {"log", [](V x) { return cr::log<T>(x); }, [](W x) { return W(std::log(x)); },
         allowed(0.9, 0.9, 0.9, 0.9)},
        {"log1p", [](V x) { return cr::log1p<T>(x); }, [](W x) { return W(std::log1p(x)); },
         allowed(1.45, 1.45, 1.45, 1.45)},
        {"tanh", [](V x) { return cr::tanh<T>(x); }, [](W x) { return W(std::tanh(x)); },
         allowed(1.8, 2.1, 2.3, 2.4)},
        {"sigmoid", [](V x) { return cr::sigmoid<T>(x); },
         [](W x) { return 1 / (1 + W(std::exp(-x))); }, allowed(2.5, 2.5, 2.5, 2.5)},
        {"erf", [](V x) { return cr::erf<T>(x); }, [](W x) { return W(std::erf(x)); },
         allowed(1.25, 1.35, 1.6, 1.6)},
        {"sqrt", [](V x) { return cr::sqrt<T>(x); }, [](W x) { return W(std::sqrt(x)); },
         cr::vector_bytes == 64 ? 0.8 : 0.5},
    };
}

template <class T>
std::vector<T> landmarks() {
    using Limits = std::numeric_limits<T>;
    const T infinity = Limits::infinity();
    std::vector<T> centers = {0, 1, 2, T(0.5), T(0.70710678118654752), T(1.4142135623730951),
                              4, 6, T(8.66), 9, 10, 20, 22, 36.75, 40, 88, 89, 710, 745,
                              800, Limits::min(), Limits::max(), Limits::epsilon(), infinity,
                              T(88.72284), T(87.33655), T(103.97), T(709.782712893384),
                              T(708.3964185322641), T(745.13)};
    for (int n = 1; n < 1100; ++n) centers.push_back(T(0.34657359027997265) * T(n));
    for (int e = Limits::min_exponent; e < Limits::max_exponent; ++e) {
        centers.push_back(std::ldexp(T(1), e));
        centers.push_back(std::ldexp(T(1.4142135623730951), e - 1));
    }
    std::vector<T> points = {Limits::quiet_NaN(), -Limits::quiet_NaN(), T(-0.0)};
    for (const T center : centers) {
        T below = center, above = center;
        for (int i = 0; i < 24; ++i) {
            for (const T x : {below, above}) {
                points.push_back(x);
                points.push_back(-x);
            }
            below = std::nextafter(below, -infinity);
            above = std::nextafter(above, infinity);
        }
    }
    while (points.size() % 16) points.push_back(T(0));
    return points;
}

template <class T>
void specials() {
    using Limits = std::numeric_limits<T>;
    const T inf = Limits::infinity(), nan = Limits::quiet_NaN();
    const auto at = [](auto f, T x) { return f(cr::broadcast<T>(x))[0]; };
    const auto equal = [](T a, T b) {
        return a == b && std::signbit(a) == std::signbit(b);
    };
    for (const Function<T>& f : functions<T>()) {
        check::expect(std::isnan(at(f.ours, nan)) && std::isnan(at(f.ours, -nan)), f.name);
        for (const T x : {T(0), T(-0.0), inf, -inf, T(1), T(-1)}) {
            const T got = at(f.ours, x), expected = T(f.exact(x));
            if (std::isnan(expected)) check::expect(std::isnan(got), f.name);
            else if (std::fabs(x) != 1 || std::isinf(expected))
                check::expect(got == expected && (x != 0 || std::signbit(got) ==
                                                               std::signbit(expected)),
                              f.name);
        }
    }
    const auto max = [](T a, T b) {
        return cr::maximum<T>(cr::broadcast<T>(a), cr::broadcast<T>(b))[0];
    };
    const auto min = [](T a, T b) {
        return cr::minimum<T>(cr::broadcast<T>(a), cr::broadcast<T>(b))[0];
    };
    check::expect(max(1, 2) == 2 && max(2, 1) == 2 && max(-inf, -1) == -1, "maximum");
    check::expect(min(1, 2) == 1 && min(2, 1) == 1 && min(inf, -1) == -1, "minimum");
    check::expect(std::isnan(max(nan, 1)) && std::isnan(max(1, nan)), "maximum of NaN");
    check::expect(std::isnan(min(nan, 1)) && std::isnan(min(1, nan)), "minimum of NaN");
    const auto sign = [&](T x) { return at(cr::sign<T>, x); };
    check::expect(sign(3) == 1 && sign(-inf) == -1 && std::isnan(sign(nan)), "sign");
    check::expect(equal(sign(0), 0) && equal(sign(T(-0.0)), T(-0.0)), "sign of zeros");
    const auto abs = [&](T x) { return at(cr::abs<T>, x); };
    check::expect(equal(abs(T(-0.0)), 0) && abs(-inf) == inf && abs(T(-2.5)) == T(2.5), "abs");
    check::expect(std::isnan(abs(-nan)), "abs of NaN");
    const T held = at([](cr::Vec<T> x) { return cr::at_most<T>(T(2), x); }, nan);
    check::expect(std::isnan(held), "at_most keeps NaN");
}

// The bits of a result do not depend on the lane nor on the entries of the other lanes.
template <class T>
void lanes_agree() {
    std::mt19937_64 random(7);
    for (const Function<T>& f : functions<T>()) {
        bool same = true;
        for (int round = 0; round < 2000; ++round) {
            cr::Vec<T> x;
            for (int lane = 0; lane < cr::lanes<T>; ++lane)
                x[lane] = number<T>(static_cast<Bits<T>>(random()));
            const cr::Vec<T> y = f.ours(x);
            for (int lane = 0; lane < cr::lanes<T>; ++lane) {
                const T one = f.ours(cr::broadcast<T>(T(x[lane])))[cr::lanes<T> - 1];
                const T here = y[lane];
                same = same && (std::memcmp(&one, &here, sizeof one) == 0 ||
                                (std::isnan(one) && std::isnan(here)));
            }
        }
        check::expect(same, "lanes agree");
    }
}

// sin and cos where their reduction is exact. Near their zeros the error is that of the argument's
// remainder, so it is measured in the spacing of numbers between 1/2 and 1; ULP are printed only.
// Beyond the range results stay between -1 and 1.
template <class T>
void waves(long count) {
    using V = cr::Vec<T>;
    using W = Wide<T>;
    const Function<T> functions[] = {
        {"sin", [](V x) { return cr::sin<T>(x); }, [](W x) { return W(std::sin(x)); }, 1.0},
        {"cos", [](V x) { return cr::cos<T>(x); }, [](W x) { return W(std::cos(x)); }, 1.0},
    };
    constexpr bool single = sizeof(T) == 4;
    const double range = single ? 0x1p13 : 0x1p25;
    const double unit = single ? 0x1p-24 : 0x1p-53;
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (const Function<T>& f : functions) {
        double worst = 0, worst_at = 0, worst_ulp = 0;
        bool bounded = true, same = true;
        const auto check_at = [&](const T* x) {
            const V y = f.ours(cr::load_unaligned<T>(x));
            for (int lane = 0; lane < cr::lanes<T>; ++lane) {
                const W exact = f.exact(W(x[lane])), error = std::fabs(W(y[lane]) - exact);
                if (double(error) / unit > worst) {
                    worst = double(error) / unit;
                    worst_at = double(x[lane]);
                }
                int exponent;
                std::frexp(exact, &exponent);
                const double ulp = double(std::ldexp(error, (single ? 24 : 53) - exponent));
                if (ulp > worst_ulp) worst_ulp = ulp;
                const T one = f.ours(cr::broadcast<T>(x[lane]))[cr::lanes<T> - 1], here = y[lane];
                same = same && std::memcmp(&one, &here, sizeof one) == 0;
                bounded = bounded && std::fabs(y[lane]) <= 1;
            }
        };
        std::mt19937_64 random(20261129);
        std::uniform_real_distribution<double> between(-1, 1);
        T x[cr::lanes<T>];
        for (const double span : {1e-6, 0.1, 0.8, 3.2, 6.4, 100.0, 8192.0, range})
            for (long i = 0; i < count; i += cr::lanes<T>) {
                for (T& value : x) value = T(between(random) * span);
                check_at(x);
            }
        // Multiples of pi/4 and their neighbors: zeros, extrema, and where the quarter changes.
        for (long n = 0; n < count; ++n) {
            const double multiple = double(n * 37 % long(range)) * 0.78539816339744830962;
            T near = T(multiple < range ? multiple : multiple - range);
            for (T& value : x) value = near = std::nextafter(near, inf);
            check_at(x);
        }
        std::printf("  %-6s %-8s worst %.3f units at %-24.17g, %.3f ULP (allowed %.2f units)\n",
                    single ? "float" : "double", f.name, worst, worst_at, worst_ulp, f.allowed);
        check::expect(worst <= f.allowed, f.name);
        check::expect(same, "lanes agree");
        for (const T far : {T(1e7), T(-3e9), T(1e15), T(1e30), std::numeric_limits<T>::max()})
            bounded = bounded && std::fabs(f.ours(cr::broadcast<T>(far))[0]) <= 1;
        check::expect(bounded, "between -1 and 1");
        for (const T bad : {inf, -inf, nan, -nan})
            check::expect(std::isnan(f.ours(cr::broadcast<T>(bad))[0]), f.name);
    }
    const T zero = cr::sin<T>(cr::broadcast<T>(T(0)))[0];
    const T minus = cr::sin<T>(cr::broadcast<T>(T(-0.0)))[0];
    check::expect(zero == 0 && !std::signbit(zero) && minus == 0 && std::signbit(minus), "zeros");
    check::expect(cr::cos<T>(cr::broadcast<T>(T(-0.0)))[0] == 1, "cos of zero");
}

void floats(std::uint64_t stride) {
    const std::vector<float> points = landmarks<float>();
    for (const Function<float>& f : functions<float>()) {
        Worst<float> worst;
        float x[cr::lanes<float>];
        for (std::uint64_t b = 0; b < (1ull << 32); b += stride * cr::lanes<float>) {
            for (int lane = 0; lane < cr::lanes<float>; ++lane)
                x[lane] = number<float>(static_cast<std::uint32_t>(b + stride * unsigned(lane)));
            evaluate(f, x, worst);
        }
        for (std::size_t i = 0; i < points.size(); i += cr::lanes<float>)
            evaluate(f, points.data() + i, worst);
        report(f, worst);
    }
}

void doubles(long count) {
    const std::vector<double> points = landmarks<double>();
    for (const Function<double>& f : functions<double>()) {
        Worst<double> worst;
        std::mt19937_64 random(20240229);
        std::uniform_real_distribution<double> unit(-1, 1);
        double x[cr::lanes<double>];
        const double spans[] = {1e-3, 0.5, 1, 3, 8, 40, 720};
        for (long i = 0; i < count; i += cr::lanes<double>) {
            const int kind = int(i / cr::lanes<double> % 10);
            for (double& value : x)
                value = kind < 7 ? unit(random) * spans[kind]
                        : kind == 7 ? 1 + unit(random) * 0.3
                                    : number<double>(random());
            evaluate(f, x, worst);
        }
        for (std::size_t i = 0; i < points.size(); i += cr::lanes<double>)
            evaluate(f, points.data() + i, worst);
        report(f, worst);
    }
}

}  // namespace

int main(int count, char** arguments) {
    const bool all = count > 1 && std::strcmp(arguments[1], "--all") == 0;
    const bool quick = count > 1 && std::strcmp(arguments[1], "--quick") == 0;
    floats(all ? 1 : quick ? 30011 : 1021);
    doubles(all ? 20'000'000 : quick ? 100'000 : 1'000'000);
    waves<float>(quick ? 20'000 : 1'000'000);
    waves<double>(quick ? 20'000 : 1'000'000);
    specials<float>();
    specials<double>();
    lanes_agree<float>();
    lanes_agree<double>();
    return check::finish("primitives");
}
