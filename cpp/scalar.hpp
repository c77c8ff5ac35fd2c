// Arithmetic on single numbers, in double whatever the type of the matrices: one operation of
// scalar code, and the loops that run what has no matrix form.
#pragma once

#include "arena.hpp"
#include "program.hpp"
#include "vectors.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

CHAINRULE_INLINE double scalar_operation(Number operation, double x, double y, double z) {
    switch (operation) {
    case op_add: return x + y;
    case op_subtract: return x - y;
    case op_multiply: return x * y;
    case op_divide: return x / y;
    case op_fma: return x * y + z;
    case op_fnma: return z - x * y;
    case op_negate: return -x;
    case op_exp: return __builtin_exp(x);
    case op_log: return __builtin_log(x);
    case op_expm1: return __builtin_expm1(x);
    case op_log1p: return __builtin_log1p(x);
    case op_tanh: return __builtin_tanh(x);
    case op_erf: return __builtin_erf(x);
    case op_sigmoid: return 1.0 / (1.0 + __builtin_exp(-x));
    case op_sqrt: return __builtin_sqrt(x);
    case op_abs: return __builtin_fabs(x);
    case op_sign: return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
    // NaN on either side comes out, as NumPy has it.
    case op_maximum: return x > y || x != x ? x : y;
    case op_minimum: return x < y || x != x ? x : y;
    case op_greater: return x > y ? 1.0 : 0.0;
    case op_where: return x != 0 ? y : z;
    case op_power: return __builtin_pow(x, y);
    default: __builtin_trap();
    }
}

// Loops over named axes, entry by entry: slow, and right for every expression. A register is
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
            case op_constant: to = p.constants[s->x]; break;
            case op_scalar: to = slots[s->x]; break;
            case loop_load: to = double(base[s->x][counters[s->y] * stride[s->x] + counters[s->z]]); break;
            case loop_begin: counters[s->target] = 0; break;
            case loop_end:  // x: the axis, y: how far back the loop's first line is
                if (++counters[s->target] < length[s->x]) s -= s->y;
                break;
            case loop_add: to += registers[s->x]; break;
            case loop_largest: to = scalar_operation(op_maximum, to, registers[s->x], 0.0); break;
            case loop_store:  // into value `target`
                base[s->target][counters[s->y] * stride[s->target] + counters[s->z]] = T(registers[s->x]);
                break;
            case loop_slot: slots[s->target] = registers[s->x]; break;
            default:
                to = scalar_operation(s->operation, registers[s->x], registers[s->y],
                                      registers[s->z]);
            }
        }
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
