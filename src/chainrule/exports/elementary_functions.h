/* Elementary functions without libm, of double. The worst errors over all finite doubles, in units
   in the last place (ulp) of the exact result:
     exp 1, expm1 2, log 1, log1p 1.5, tanh 3, erf 8, sqrt 1, sin 2.5, cos 2.5,
     pow 6 for whole y from -8 to 8
   For other y of pow(x, y) the relative error is 2.3e-16 (4 + 2 |y log x|) at most; results of pow
   that are subnormal numbers may be 0.
*/
#define MODEL_LN2_HIGH 6.93147180369123816490e-01 /* 33 bits, so that k * high is exact */
#define MODEL_LN2_LOW 1.90821492927058770002e-10

/* 2^k, for -1022 <= k <= 1023. */
static inline double model_two_to(int k)
{
    const uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x 2^k for 0.5 < x < 2 and -1080 < k < 1025; only the last product rounds. */
static inline double model_scaled(double x, int k)
{
    if (k > 1023) return x * 2.0 * model_two_to(k - 1);
    if (k < -1022) return x * model_two_to(k + 100) * model_two_to(-100);
    return x * model_two_to(k);
}

/* (e^r - 1) for |r| <= 0.35: the series, whose next term is below 1e-18 of the sum. */
static inline double model_expm1_near_0(double r)
{
    double sum = 0.0;
    int n;
    for (n = 14; n > 2; --n) sum = (sum + 1.0) * r / n;
    return r + r * (0.5 * r + 0.5 * r * sum);
}

/* e^x = 2^k e^r with |r| <= 0.35; return e^r - 1. */
static inline double model_reduced(double x, int *k)
{
    *k = (int)(x * 1.44269504088896340736 + (x < 0.0 ? -0.5 : 0.5));
    return model_expm1_near_0((x - *k * MODEL_LN2_HIGH) - *k * MODEL_LN2_LOW);
}

static inline double model_exp(double x)
{
    double rest;
    int k;
    if (x != x) return x;
    if (x > 709.782712893384) return (double)INFINITY;
    if (x < -745.133219101942) return 0.0;
    rest = model_reduced(x, &k);
    return model_scaled(1.0 + rest, k);
}

static inline double model_expm1(double x)
{
    double rest, power;
    int k;
    if (!(x > -40.0 && x < 40.0)) return model_exp(x) - 1.0;
    rest = model_reduced(x, &k);
    power = model_two_to(k);
    return power * rest + (power - 1.0);
}

/* log((1 + s) / (1 - s)) - 2 s, for |s| <= 0.18. */
static inline double model_log_series(double s)
{
    const double square = s * s;
    double sum = 0.0;
    int n;
    for (n = 25; n > 1; n -= 2) sum = (sum + 1.0 / n) * square;
    return 2.0 * s * sum;
}

static inline double model_log(double x)
{
    uint64_t bits;
    double f, s;
    int k = 0;
    if (x != x || x < 0.0) return (double)NAN;
    if (x == 0.0) return -(double)INFINITY;
    if (x > 1.7976931348623157e308) return x;
    if (x < 2.2250738585072014e-308) { x *= 18014398509481984.0; k = -54; }
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
    memcpy(&x, &bits, sizeof x);
    if (x > 1.4142135623730951) { x *= 0.5; ++k; }
    f = x - 1.0;
    s = f / (x + 1.0);
    /* 2 s = f - s f, and f is exact. */
    return k * MODEL_LN2_HIGH + (f - (s * f - (model_log_series(s) + k * MODEL_LN2_LOW)));
}

static inline double model_log1p(double x)
{
    const double u = 1.0 + x;
    if (x > -0.29 && x < 0.41) {
        const double s = x / (2.0 + x);
        return x - (s * x - model_log_series(s));
    }
    /* (x - (u - 1)) is what the sum lost. */
    return u > 1e300 || !(u > 0.0) ? model_log(u) : model_log(u) + (x - (u - 1.0)) / u;
}

static inline double model_tanh(double x)
{
    const double size = x < 0.0 ? -x : x;
    double t;
    if (size > 22.0) return x < 0.0 ? -1.0 : 1.0;
    if (size < 1e-9) return x;
    t = model_expm1(2.0 * size);
    t = t / (t + 2.0);
    return x < 0.0 ? -t : t;
}

static inline double model_sqrt(double x)
{
    uint64_t bits;
    double root, scale = 1.0;
    int n;
    if (x != x || x < 0.0) return (double)NAN;
    if (x == 0.0 || x > 1.7976931348623157e308) return x;
    if (x < 1e-290) { x *= 1.2676506002282294e30; scale = 8.881784197001252e-16; } /* 2^100 */
    memcpy(&bits, &x, sizeof bits);
    bits = (bits >> 1) + 0x1ff8000000000000u;
    memcpy(&root, &bits, sizeof root);
    for (n = 0; n < 5; ++n) root = 0.5 * (root + x / root);
    return root * scale;
}

/* e^(-x^2): the square of the first half of the digits is exact. */
static inline double model_gauss(double x)
{
    const double high = (double)(float)x;
    return model_exp(-high * high) * model_exp((high - x) * (high + x));
}

static inline double model_erf(double x)
{
    const double size = x < 0.0 ? -x : x;
    double sum, square;
    int n;
    if (x != x) return x;
    if (size > 6.0) return x < 0.0 ? -1.0 : 1.0;
    if (size < 2.0) {
        /* 2/sqrt(pi) x e^(-x^2) (1 + 2x^2/3 (1 + 2x^2/5 (...))): all terms have one sign. */
        square = size * size;
        sum = 1.0;
        for (n = 45; n > 0; --n) sum = 1.0 + sum * 2.0 * square / (2 * n + 1);
        return 1.1283791670955126 * x * sum * model_gauss(size);
    }
    /* 1 - e^(-x^2)/sqrt(pi) 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))) */
    sum = size;
    for (n = 60; n > 0; --n) sum = size + 0.5 * n / sum;
    sum = 1.0 - 0.56418958354775629 * model_gauss(size) / sum;
    return x < 0.0 ? -sum : sum;
}

static inline double model_pow(double x, double y)
{
    if (y == 0.0) return 1.0;
    if (y >= -8.0 && y <= 8.0 && y == (double)(int)y) {
        double product = x;
        int n;
        for (n = (int)(y < 0.0 ? -y : y); n > 1; --n) product *= x;
        return y < 0.0 ? 1.0 / product : product;
    }
    if (x == 0.0) return y > 0.0 ? 0.0 : (double)INFINITY;
    return model_exp(y * model_log(x));
}

/* 64 bits of a number, from bit number ``at`` on; the least significant word is the first. */
static inline uint64_t model_bits(const uint32_t *words, int at)
{
    const int first = at / 32, shift = at % 32;
    const uint64_t low = words[first] | (uint64_t)words[first + 1] << 32;
    return shift ? low >> shift | (uint64_t)words[first + 2] << (64 - shift) : low;
}

/* x = (4 n + q) pi/2 + r for x >= pi/4, with |r| <= pi/4; return q, from 0 to 3.
   x is a whole number times 2^e, so that only 7 words of 2/pi matter: those before make multiples
   of 4, those behind are below 2^-130. */
static inline int model_quarter(double x, double *r)
{
    static const uint32_t two_over_pi[] = {
        0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u,
        0xfe5163abu, 0xdebbc561u, 0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu,
        0xfe1deb1cu, 0xb129a73eu, 0xe88235f5u, 0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u,
        0x3991d639u, 0x835339f4u, 0x9c845f8bu, 0xbdf9283bu, 0x1ff897ffu, 0xde05980fu,
        0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du,
        0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u, 0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u,
        0x56033046u, 0xfc7b6babu
    };
    uint32_t words[12] = {0};
    uint64_t bits, whole, first, second;
    double part;
    int e, skipped, i, unit, q;
    memcpy(&bits, &x, sizeof bits);
    e = (int)(bits >> 52) - 1075;
    whole = (bits & 0xfffffffffffffu) | 0x10000000000000u;
    skipped = e < 2 ? 0 : (e - 2) / 32;
    for (i = 0; i < 7; ++i) {
        const uint64_t factor = two_over_pi[skipped + 6 - i];
        const uint64_t low = factor * (whole & 0xffffffffu) + words[i];
        const uint64_t high = factor * (whole >> 32) + words[i + 1] + (low >> 32);
        words[i] = (uint32_t)low;
        words[i + 1] = (uint32_t)high;
        words[i + 2] = (uint32_t)(high >> 32);
    }
    unit = 32 * (skipped + 7) - e;
    q = (int)(model_bits(words, unit) & 3u);
    first = model_bits(words, unit - 64);
    second = model_bits(words, unit - 128);
    part = 1.5707963267948966;
    if (first >> 63) { /* above one half: count from the next quarter */
        second = ~second + 1u;
        first = ~first + (second == 0u);
        q = (q + 1) & 3;
        part = -part;
    }
    *r = part * ((double)first * model_two_to(-64) + (double)second * model_two_to(-128));
    return q;
}

static inline double model_sin_near_0(double r)
{
    const double square = r * r;
    double sum = 0.0;
    int n;
    for (n = 18; n > 0; n -= 2) sum = (sum + 1.0) * (-square / (n * (n + 1)));
    return r + r * sum;
}

static inline double model_cos_near_0(double r)
{
    const double square = r * r;
    double sum = 0.0;
    int n;
    for (n = 18; n > 0; n -= 2) sum = (sum + 1.0) * (-square / (n * (n - 1)));
    return 1.0 + sum;
}

/* sin(x + turns pi/2). */
static inline double model_turned(double x, int turns)
{
    double r = x < 0.0 ? -x : x, value;
    int q = 0;
    if (!(r < (double)INFINITY)) return (double)NAN;
    if (r > 0.785) q = model_quarter(r, &r);
    if (x < 0.0) { r = -r; q = -q; }
    q = (q + turns) & 3;
    value = q & 1 ? model_cos_near_0(r) : model_sin_near_0(r);
    return q & 2 ? -value : value;
}

static inline double model_sin(double x) { return model_turned(x, 0); }
static inline double model_cos(double x) { return model_turned(x, 1); }
