// Arithmetic on single numbers, in double whatever the type of the matrices: one operation of
// scalar code, and the loops that run what has no matrix form.
#pragma once

#include "arena.hpp"
#include "program.hpp"
#include "vectors.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

CHAINRULE_INLINE double scalar_operation(Operation operation, double x, double y, double z) {
    switch (operation) {
    case Operation::add: return x + y;
    case Operation::subtract: return x - y;
    case Operation::multiply: return x * y;
    case Operation::divide: return x / y;
    case Operation::fma: return x * y + z;
    case Operation::fnma: return z - x * y;
    case Operation::negate: return -x;
    case Operation::exp: return __builtin_exp(x);
    case Operation::log: return __builtin_log(x);
    case Operation::expm1: return __builtin_expm1(x);
    case Operation::log1p: return __builtin_log1p(x);
    case Operation::tanh: return __builtin_tanh(x);
    case Operation::erf: return __builtin_erf(x);
    case Operation::sigmoid: return 1.0 / (1.0 + __builtin_exp(-x));
    case Operation::sqrt: return __builtin_sqrt(x);
    case Operation::abs: return __builtin_fabs(x);
    case Operation::sign: return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
    // NaN on either side is the result, as in NumPy.
    case Operation::maximum: return x > y || x != x ? x : y;
    case Operation::minimum: return x < y || x != x ? x : y;
    case Operation::greater: return x > y ? 1.0 : 0.0;
    case Operation::where: return x != 0 ? y : z;
    case Operation::power: return __builtin_pow(x, y);
    case Operation::sin: return __builtin_sin(x);
    case Operation::cos: return __builtin_cos(x);
    case Operation::equal: return x == y ? 1.0 : 0.0;
    default: __builtin_trap();
    }
}

// Loops over named axes, entry by entry: slow, but possible for every expression. A register is
// assigned by one line of the code; each loop has a counter of its own.
template <class T>
struct Loops {
    const Program& p;
    T* const* base;
    const std::ptrdiff_t* stride;
    const std::ptrdiff_t* length;
    double* slots;
    double* registers;
    std::ptrdiff_t* counters;  // counter 0 stays 0: the unit axis

    void run(const Step* const begin, const Step* const end) {
        counters[0] = 0;
        for (const Step* s = begin; s != end; ++s) {
            double& to = registers[s->target];
            switch (s->operation) {
            case Operation::constant: to = p.constants[s->x]; break;
            case Operation::scalar: to = slots[s->x]; break;
            case Operation::loop_load:
                to = double(base[s->x][counters[s->y] * stride[s->x] + counters[s->z]]);
                break;
            case Operation::loop_begin: counters[s->target] = 0; break;
            case Operation::loop_end:  // x: the axis, y: how far back the loop's first line is
                if (++counters[s->target] < length[s->x]) s -= s->y;
                break;
            case Operation::loop_add: to += registers[s->x]; break;
            case Operation::loop_largest:
                to = scalar_operation(Operation::maximum, to, registers[s->x], 0.0);
                break;
            case Operation::loop_store:  // into value `target`
                base[s->target][counters[s->y] * stride[s->target] + counters[s->z]] =
                    T(registers[s->x]);
                break;
            case Operation::loop_slot: slots[s->target] = registers[s->x]; break;
            default:
                to = scalar_operation(s->operation, registers[s->x], registers[s->y],
                                      registers[s->z]);
            }
        }
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
