// The scalar functions of the catalogue on registers: exp, expm1, log, log1p, tanh, sigmoid, erf,
// sin, cos, sqrt, abs, sign, maximum, minimum, for float and double.
//
// Every function is defined on the full range, without branches, tables or calls, so each lane
// takes the same steps in every lane. NaN gives NaN and infinities give the exact limit.
// Subnormal arguments and results may be returned as zero. Largest errors in ULP are asserted by
// tests/primitives.cpp and listed in README.md.
//
// Polynomials: fit/coefficients.py (weighted minimax). Horner's form throughout: these run over
// many registers in a loop, so the number of instructions counts and not the length of the chain.
#pragma once

#include "vectors.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct Constants;

template <>
struct Constants<float> {
    static constexpr int mantissa = 23;
    static constexpr std::uint32_t bias = 127;
    static constexpr float infinity = __builtin_inff(), nan = __builtin_nanf("");
    static constexpr float smallest = 0x1p-126f;
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum.
    static constexpr float round = 0x1.8p23f, log2_e = 0x1.715476p0f;
    // log(2) in two parts; the first has 10 bits, so its product with an exponent is exact and
    // the reduction does not need fma (fdlibm, Cephes).
    static constexpr float ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
    static constexpr float exp_low = -87.3365402f;  // log(2^-126), rounded up
    static constexpr float exp_high = 88.7228317f;  // log of the largest float, down
    static constexpr float sigmoid_range = 87.3365402f;  // e^range is below 2^126
    static constexpr float expm1_low = -20.0f, expm1_high = 89.0f, tanh_high = 10.0f;
    static constexpr float erf_high = 4.0f;
    static constexpr float exp_terms[] = {
        0.4999999345f, 0.1666652063f, 0.04166838807f, 8.368717135e-3f, 1.381460385e-3f};
    static constexpr float log_terms[] = {
        0.6666677642f, 0.3997753689f, 0.2987186563f};
    static constexpr float erf_near_terms[] = {
        0.1283791659f, -0.3761262714f, 0.1128360018f, -0.02685444486f, 5.189535806e-3f,
        -8.020844883e-4f, 7.889129806e-5f};
    static constexpr float erf_far_terms[] = {
        1.128697157f, 0.6349583032f, 0.106549095f, -0.02402550285f, 3.764657957e-3f,
        -3.523317963e-4f, 1.41338219e-5f};
    // pi/2 in three parts. The product of each of the first two with a number below 2^13 is exact.
    static constexpr float two_over_pi = 0.63661977f;
    static constexpr float half_pi[] = {1.5703125f, 4.837512969970703125e-4f,
                                        7.54978995489188216e-8f};
    static constexpr float sin_terms[] = {
        -1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};  // Cephes
    static constexpr float cos_terms[] = {
        4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};
};

template <>
struct Constants<double> {
    static constexpr int mantissa = 52;
    static constexpr std::uint64_t bias = 1023;
    static constexpr double infinity = __builtin_inf(), nan = __builtin_nan("");
    static constexpr double smallest = 0x1p-1022;
    static constexpr double round = 0x1.8p52, log2_e = 0x1.71547652b82fep0;
    static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double exp_low = -708.39641853226408, exp_high = 709.78271289338397;
    static constexpr double sigmoid_range = 708.39641853226408;
    static constexpr double expm1_low = -45.0, expm1_high = 710.0, tanh_high = 20.0;
    static constexpr double erf_high = 6.0;
    static constexpr double exp_terms[] = {
        0.500000000000001063, 0.166666666666664126, 0.0416666666665301607,
        8.33333333349443649e-3, 1.38888889436299231e-3, 1.98412695066207573e-4,
        2.48014930988369716e-5, 2.75575863438394195e-6, 2.76302484713600638e-7,
        2.5000069386479068e-8};
    static constexpr double log_terms[] = {
        0.666666666666673446, 0.399999999994143393, 0.285714287424737696, 0.222221985633931414,
        0.181835648788064895, 0.153140353929263704, 0.147961108180221925};
    static constexpr double erf_near_terms[] = {
        0.128379167095512567, -0.376126389031835466, 0.112837916709452526,
        -0.0268661706432761291, 5.22397760742294328e-3, -8.54832598968278694e-4,
        1.20552953203965199e-4, -1.49247446669461418e-5, 1.64475177806865114e-6,
        -1.62091770745566306e-7, 1.37229826411089023e-8, -7.80120283066686992e-10};
    static constexpr double erf_far_terms[] = {
        1.12837910820737327, 0.636620277117821147, 0.102770722530823955,
        -0.0191246891035050465, -2.12537596510087221e-4, 1.69327518441740762e-3,
        -5.75332055130849562e-4, -4.48891632680595059e-7, 9.51646765436346511e-5,
        -5.58833197955481394e-5, 2.02923945174953588e-5, -5.36768893524263131e-6,
        1.0740832060789236e-6, -1.62317394574985744e-7, 1.80403939497926615e-8,
        -1.39445117949046857e-9, 6.7014427002650862e-11, -1.50793175646293038e-12};
    static constexpr double two_over_pi = 0.63661977236758134308;
    static constexpr double half_pi[] = {  // exact as above, below 2^25
        1.5707962512969970703, 7.5497894158615963534e-8, 5.3903028581581190529e-15};
    static constexpr double sin_terms[] = {  // fdlibm
        -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
        2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10};
    static constexpr double cos_terms[] = {
        4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
        -2.75573143513906633035e-7, 2.08757232129817482790e-9, -1.13596475577881948265e-11};
};

// terms[0] + terms[1] x + terms[2] x^2 + ...
template <class T, int count>
CHAINRULE_INLINE Vec<T> polynomial(Vec<T> x, const T (&terms)[count]) {
    Vec<T> sum = broadcast<T>(terms[count - 1]);
#pragma GCC unroll 32
    for (int i = count - 2; i >= 0; --i) sum = fma<T>(sum, x, broadcast<T>(terms[i]));
    return sum;
}

template <class T>
CHAINRULE_INLINE Vec<T> abs(Vec<T> x) {
    return from_bits<T>(bits<T>(x) & ~bits<T>(broadcast<T>(T(-0.0))));
}

// The magnitude of x with the sign of `from`.
template <class T>
CHAINRULE_INLINE Vec<T> with_sign(Vec<T> x, Vec<T> from) {
    const Ints<T> mask = bits<T>(broadcast<T>(T(-0.0)));
    return from_bits<T>((bits<T>(x) & ~mask) | (bits<T>(from) & mask));
}

// -1, 0 or 1; zeros keep their sign.
template <class T>
CHAINRULE_INLINE Vec<T> sign(Vec<T> x) {
    const Vec<T> one = with_sign<T>(broadcast<T>(T(1)), x);
    return select<T>((x < T(0)) | (x > T(0)), one, x);
}

// A NaN on either side is returned, as numpy.maximum does.
template <class T>
CHAINRULE_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) {
    const Vec<T> larger = a > b ? a : b;
    return a != a ? a : larger;
}
template <class T>
CHAINRULE_INLINE Vec<T> minimum(Vec<T> a, Vec<T> b) {
    const Vec<T> smaller = a < b ? a : b;
    return a != a ? a : smaller;
}

// x held within [low, high]; NaN stays. The order of the operands is that of maxps and minps,
// which return the second one when either is NaN: one instruction each. gcc 12 makes a comparison
// and a blend of the 64-byte conditional, which took 2 of a sigmoid's 16 cycles.
template <class T>
CHAINRULE_INLINE Vec<T> at_most(T high, Vec<T> x) {
    const Vec<T> prepared = broadcast<T>(high);
#if defined(CHAINRULE_AVX512)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_min_ps(0xffff, (__m512)prepared, (__m512)x);
    else
        return (Vec<T>)_mm512_maskz_min_pd(0xff, (__m512d)prepared, (__m512d)x);
#else
    return prepared < x ? prepared : x;
#endif
}
template <class T>
CHAINRULE_INLINE Vec<T> at_least(T low, Vec<T> x) {
    const Vec<T> prepared = broadcast<T>(low);
#if defined(CHAINRULE_AVX512)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_max_ps(0xffff, (__m512)prepared, (__m512)x);
    else
        return (Vec<T>)_mm512_maskz_max_pd(0xff, (__m512d)prepared, (__m512d)x);
#else
    return prepared > x ? prepared : x;
#endif
}

// On AVX-512 from the estimate of 1 / sqrt(x) with 14 bits, by Newton's steps: 5 cycles a register
// where the divider takes 12.5 (7 and 25 in double), and beside a division it costs nothing.
template <class T>
CHAINRULE_INLINE Vec<T> sqrt(Vec<T> x) {
    constexpr bool single = sizeof(T) == 4;
#if defined(CHAINRULE_AVX512)
    const Vec<T> half = broadcast<T>(T(0.5)), one = broadcast<T>(T(1));
    Vec<T> y;
    if constexpr (single) y = (Vec<T>)_mm512_maskz_rsqrt14_ps(0xffff, (__m512)x);
    else {
        y = (Vec<T>)_mm512_maskz_rsqrt14_pd(0xff, (__m512d)x);
        const Vec<T> e = fnma<T>(x * y, y, one);
        y = fma<T>(y * e, fma<T>(e, broadcast<T>(T(0.375)), half), y);
    }
    const Vec<T> s = x * y;
    const Vec<T> root = fma<T>(s * half, fnma<T>(s, y, one), s);
    constexpr int zeros_and_infinity = 0x0e;  // their own roots
    if constexpr (single)
        return (Vec<T>)_mm512_mask_mov_ps((__m512)root,
                                          _mm512_fpclass_ps_mask((__m512)x, zeros_and_infinity),
                                          (__m512)x);
    else
        return (Vec<T>)_mm512_mask_mov_pd((__m512d)root,
                                          _mm512_fpclass_pd_mask((__m512d)x, zeros_and_infinity),
                                          (__m512d)x);
#elif defined(CHAINRULE_AVX2)
    if constexpr (single) return (Vec<T>)_mm256_sqrt_ps((__m256)x);
    else return (Vec<T>)_mm256_sqrt_pd((__m256d)x);
#elif defined(CHAINRULE_NEON)
    if constexpr (single) return (Vec<T>)vsqrtq_f32((float32x4_t)x);
    else return (Vec<T>)vsqrtq_f64((float64x2_t)x);
#else
    if constexpr (single) return (Vec<T>)_mm_sqrt_ps((__m128)x);
    else return (Vec<T>)_mm_sqrt_pd((__m128d)x);
#endif
}

// 1 / d for d in [1, 2^126] (float) or [1, 2^1022] (double).
template <class T>
CHAINRULE_INLINE Vec<T> reciprocal(Vec<T> d) {
#if defined(CHAINRULE_AVX512)
    // 14 bits, doubled by each Newton step.
    Vec<T> y;
    if constexpr (sizeof(T) == 4) y = (Vec<T>)_mm512_maskz_rcp14_ps(0xffff, (__m512)d);
    else {
        y = (Vec<T>)_mm512_maskz_rcp14_pd(0xff, (__m512d)d);
        y = fma<T>(fnma<T>(d, y, broadcast<T>(T(1))), y, y);
    }
    return fma<T>(fnma<T>(d, y, broadcast<T>(T(1))), y, y);
#else
    return T(1) / d;
#endif
}

// e^x = 2^n (1 + tail), |tail| < 0.42, and e^x - 1 for n = 0. power(k) is 2^(n + k).
template <class T>
struct Exponential {
    Vec<T> tail;
    Words<T> n;  // shifted to the position of the exponent

    CHAINRULE_INLINE explicit Exponential(Vec<T> x) {
        using C = Constants<T>;
        const Vec<T> shifted = fma<T>(x, broadcast<T>(C::log2_e), broadcast<T>(C::round));
        const Vec<T> whole = shifted - C::round;
        Vec<T> r = fnma<T>(whole, broadcast<T>(C::ln2_high), x);
        r = fnma<T>(whole, broadcast<T>(C::ln2_low), r);
        tail = fma<T>(r * r, polynomial<T>(r, C::exp_terms), r);
        n = words<T>(shifted) << C::mantissa;
    }
    CHAINRULE_INLINE Vec<T> power(int k) const {
        using C = Constants<T>;
        return from_words<T>(n + ((C::bias + Word<T>(k)) << C::mantissa));
    }
};

#if defined(CHAINRULE_AVX512)
// The one nearer to zero; of NaN and a number the number.
template <class T>
CHAINRULE_INLINE Vec<T> smaller(Vec<T> x, Vec<T> y) {
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_range_ps(0xffff, (__m512)x, (__m512)y, 2);
    else
        return (Vec<T>)_mm512_maskz_range_pd(0xff, (__m512d)x, (__m512d)y, 2);
}

// e^(sign x) with overflow to infinity and gradual underflow, by the instruction that multiplies
// with a power of two of any size. Beyond its range and for NaN the remainder r is meaningless and
// only held below 1, so that the sum is a positive number: the power decides.
template <class T, int sign>
CHAINRULE_INLINE Vec<T> exp_scaled(Vec<T> x) {
    using C = Constants<T>;
    constexpr int count = sizeof(C::exp_terms) / sizeof(T);
    const Vec<T> whole =
        fma<T>(x, broadcast<T>(sign * C::log2_e), broadcast<T>(C::round)) - C::round;
    Vec<T> r = fma<T>(whole, broadcast<T>(-sign * C::ln2_high), x);
    r = fma<T>(whole, broadcast<T>(-sign * C::ln2_low), r);
    r = smaller<T>(r, broadcast<T>(T(1)));
    Vec<T> sum = broadcast<T>(count % 2 ? C::exp_terms[count - 1] : sign * C::exp_terms[count - 1]);
#pragma GCC unroll 32
    for (int i = count - 2; i >= 0; --i)
        sum = fma<T>(sum, r, broadcast<T>(i % 2 ? sign * C::exp_terms[i] : C::exp_terms[i]));
    sum = fma<T>(sum, r, broadcast<T>(T(sign)));
    sum = fma<T>(sum, r, broadcast<T>(T(1)));
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_scalef_ps(0xffff, (__m512)sum, (__m512)whole);
    else
        return (Vec<T>)_mm512_maskz_scalef_pd(0xff, (__m512d)sum, (__m512d)whole);
}
#endif

template <class T>
CHAINRULE_INLINE Vec<T> exp(Vec<T> x) {
#if defined(CHAINRULE_AVX512)
    return exp_scaled<T, 1>(x);
#else
    using C = Constants<T>;
    const Exponential<T> e(x);
    // n is added to the exponent of 1 + tail, which is 0 or -1: the largest and the smallest
    // normal results need no second scaling. Outside of them the lanes are replaced.
    Vec<T> y = from_words<T>(words<T>(T(1) + e.tail) + e.n);
    y = x <= C::exp_high ? y : x + C::infinity;  // NaN too
    return x < C::exp_low ? Vec<T>{} : y;
#endif
}

// e^x where -range <= x <= range, so that 2^n is a normal number.
template <class T>
CHAINRULE_INLINE Vec<T> exp_inside(Vec<T> x) {
    const Exponential<T> e(x);
    const Vec<T> scale = e.power(0);
    return fma<T>(scale, e.tail, scale);
}

template <class T>
CHAINRULE_INLINE Vec<T> expm1(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> inside = at_least<T>(C::expm1_low, at_most<T>(C::expm1_high, x));
    const Exponential<T> e(inside);
    const Vec<T> scale = e.power(-1);  // 2^128 is not a float; twice 2^127 overflows as it should
    const Vec<T> y = fma<T>(scale, e.tail, scale - T(0.5));
    return with_sign<T>(y + y, x);  // for -0
}

// 1 / (1 + e^-z): never overflows, and small results keep their relative precision. With
// e^-z = 2^n (1 + tail) the denominator is rounded once, as 2^n tail + (1 + 2^n). Only at n = 24
// (z near -16.6; 53 in double) does 1 + 2^n lose its 1, and the largest error is 2.45 ULP. The
// order 2^n + (2^n tail + 1) for n > 0 has 2.01 and took 23 % longer; e^-z rounded first has 2.49.
// On AVX-512 e^-z rounded first and a division take 12 cycles (17 in double), this with a
// reciprocal by Newton's steps 15 (21): the divider works beside the other units.
template <class T>
CHAINRULE_INLINE Vec<T> sigmoid(Vec<T> z) {
#if defined(CHAINRULE_AVX512)
    return T(1) / (T(1) + exp_scaled<T, -1>(z));
#else
    using C = Constants<T>;
    const Exponential<T> e(-at_least<T>(-C::sigmoid_range, at_most<T>(C::sigmoid_range, z)));
    const Vec<T> scale = e.power(0);
    const Vec<T> y = reciprocal<T>(fma<T>(scale, e.tail, T(1) + scale));
    return z < -C::sigmoid_range ? Vec<T>{} : y;
#endif
}

// u / (u + 2) with u = e^(2|x|) - 1.
template <class T>
CHAINRULE_INLINE Vec<T> tanh(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> inside = at_most<T>(C::tanh_high, abs<T>(x));
    const Exponential<T> e(inside + inside);
    const Vec<T> scale = e.power(0);
    const Vec<T> u = fma<T>(scale, e.tail, scale - T(1));
    // The rounding of u + 2 alone would cost one ULP. The lost part is known
    // exactly and is added to the remainder of the quotient; without fma that remainder is noise,
    // and only the lost part is taken back.
    const Vec<T> d = u + T(2);
    const Vec<T> lost = u - (d - T(2));
    const Vec<T> y = reciprocal<T>(d);
    const Vec<T> q = fused ? u * y : u / d;
    const Vec<T> rest = fused ? fnma<T>(q, d, u) : Vec<T>{};
    return with_sign<T>(fma<T>(fnma<T>(q, lost, rest), y, q), x);
}

// log(2^k (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)], as fdlibm: with s = f / (2 + f),
// log(1 + f) = f - (f²/2 - s (f²/2 + R)), R = s² (2/3 + 2/5 s² + ...).
template <class T>
CHAINRULE_INLINE Vec<T> log_assembled(Vec<T> k, Vec<T> f) {
    using C = Constants<T>;
    const Vec<T> s = f / (T(2) + f);
    const Vec<T> z = s * s;
    const Vec<T> R = z * polynomial<T>(z, C::log_terms);
    const Vec<T> half_square = T(0.5) * f * f;
    const Vec<T> low = fma<T>(s, half_square + R, k * C::ln2_low);
    return fma<T>(k, broadcast<T>(C::ln2_high), f - (half_square - low));
}

// u = 2^k m with m in [sqrt(1/2), sqrt(2)): k as a number, m by its bits.
template <class T>
struct Split {
    Vec<T> k, m;
    CHAINRULE_INLINE explicit Split(Vec<T> u) {
        using C = Constants<T>;
        const Words<T> root_half = words<T>(broadcast<T>(T(0.70710678118654752)));
        const Words<T> exponent =
            (words<T>(u) - root_half) & ~((Word<T>(1) << C::mantissa) - 1);
        m = from_words<T>(words<T>(u) - exponent);
        // exponent is k * 2^mantissa. k is added to the low bits of `round`, because no conversion
        // of 64-bit integers exists before AVX-512DQ.
        const Ints<T> whole = (Ints<T>)exponent >> C::mantissa;
        k = from_words<T>(words<T>(broadcast<T>(C::round)) + (Words<T>)whole) - C::round;
    }
};

// Arguments below the smallest normal number count as zero (-infinity), negative ones give NaN.
template <class T>
CHAINRULE_INLINE Vec<T> log(Vec<T> x) {
    using C = Constants<T>;
    const Split<T> u(x);
    Vec<T> y = log_assembled<T>(u.k, u.m - T(1));
    y = x < C::infinity ? y : x;  // infinity and NaN stay
    y = x < C::smallest ? broadcast<T>(-C::infinity) : y;
    return x <= -C::smallest ? broadcast<T>(C::nan) : y;
}

// log(1 + x): u = 1 + x is rounded, and what it lost is added to f after the share. Small x come
// back exactly: k = 0 and f = (u - 1) + lost = x.
template <class T>
CHAINRULE_INLINE Vec<T> log1p(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> u = T(1) + x;
    const Vec<T> from_one = x - (u - T(1)), from_x = T(1) - (u - x);
    const Vec<T> lost = x < T(1) ? from_one : from_x;
    const Split<T> parts(u);
    // 2^-k = m / u, taken from the bits: the exponents of m and u differ by k.
    const Words<T> one = words<T>(broadcast<T>(T(1)));
    const Vec<T> scale =  // k may be 128: no such power, and nothing was lost
        at_least<T>(T(0), from_words<T>(one - (words<T>(u) - words<T>(parts.m))));
    Vec<T> y = log_assembled<T>(parts.k, fma<T>(lost, scale, parts.m - T(1)));
    y = abs<T>(x) < C::smallest ? x : y;
    y = x < C::infinity ? y : x;
    y = x <= T(-1) ? broadcast<T>(-C::infinity) : y;
    return x < T(-1) ? broadcast<T>(C::nan) : y;
}

// Up to 1: x + x P(x²). Beyond: 1 - e^(-t P(t)), where only the absolute error of the exponential
// matters. Both are computed; beyond erf_high the result is 1.
template <class T>
CHAINRULE_INLINE Vec<T> erf(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> near = fma<T>(x, polynomial<T>(x * x, C::erf_near_terms), x);
    const Vec<T> t = at_most<T>(C::erf_high, abs<T>(x));
    const Vec<T> far = T(1) - exp_inside<T>(-t * polynomial<T>(t, C::erf_far_terms));
    return t < T(1) ? near : with_sign<T>(far, x);
}

// sin (quarter = 0) or cos (quarter = 1): x = k pi/2 + r, and by k + quarter the sine or the cosine
// of r with its sign. Beyond 2^13 (2^25 in double) r loses digits; it is held within its range, so
// that results stay between -1 and 1.
template <class T, int quarter>
CHAINRULE_INLINE Vec<T> sine_of_quarter(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> shifted = fma<T>(x, broadcast<T>(C::two_over_pi), broadcast<T>(C::round));
    const Vec<T> whole = shifted - C::round;
    const Vec<T> third = broadcast<T>(C::half_pi[2]);
    Vec<T> r = fnma<T>(whole, broadcast<T>(C::half_pi[0]), x);
    r = fnma<T>(whole, broadcast<T>(C::half_pi[1]), r);
    const Vec<T> before = r;
    r = fnma<T>(whole, third, r);
    Vec<T> low = fnma<T>(whole, third, before - r);  // what the rounding of r has lost
    constexpr T most = T(0.79), most_low = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-53);
    r = at_least<T>(-most, at_most<T>(most, r));
    low = at_least<T>(-most_low, at_most<T>(most_low, low));
    const Vec<T> z = r * r;
    const Vec<T> odd =
        with_sign<T>(r + fma<T>(r * z, polynomial<T>(z, C::sin_terms), low), r);  // for -0
    // 1 - z/2 is rounded; what it lost is added to the small terms.
    const Vec<T> half = T(0.5) * z, rest = T(1) - half, lost = (T(1) - rest) - half;
    const Vec<T> even =
        rest + fma<T>(z * z, polynomial<T>(z, C::cos_terms), fnma<T>(r, low, lost));
    const Words<T> turns = words<T>(shifted) + Word<T>(quarter);
    const Vec<T> y = (turns & Word<T>(1)) != Word<T>(0) ? even : odd;
    return from_words<T>(words<T>(y) ^ ((turns & Word<T>(2)) << (8 * int(sizeof(T)) - 2)));
}

template <class T>
CHAINRULE_INLINE Vec<T> sin(Vec<T> x) {
    return sine_of_quarter<T, 0>(x);
}
template <class T>
CHAINRULE_INLINE Vec<T> cos(Vec<T> x) {
    return sine_of_quarter<T, 1>(x);
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
