/* Elementary functions without libm, of double. The worst errors over all finite doubles, in units
   in the last place (ulp) of the exact result:
     exp 1, expm1 2, log 1, log1p 1.5, tanh 3, erf 8, sqrt 1, pow 6 for whole y from -8 to 8
   For other y of pow(x, y) the relative error is 2.3e-16 (4 + 2 |y log x|) at most.
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
