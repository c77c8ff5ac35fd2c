// The tape: formulas without a generated kernel, interpreted over tiles in the first-level
// cache. Each operation runs over a whole tile of registers, so its dispatch is paid once for
// sixteen vectors; a user's own activation runs this way without a compiler.
#pragma once

#include "formula.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

constexpr int tape_registers = 24;  // program_assembly.py refuses formulas that need more
constexpr int tape_vectors = 16;    // of each register: 24 KiB in all

template <class T>
struct TapeRegister {
    Vec<T> v[tape_vectors];
};

// The part of a call that is in the registers: `rows` rows of `width` vectors from (row, column).
struct Tile {
    std::ptrdiff_t row, rows, column;
    int width;
};

template <class T, class Function>
CHAINRULE_INLINE void each(int count, TapeRegister<T>& to, Function function) {
    for (int i = 0; i < count; ++i) to.v[i] = function(i);
}

template <class T>
void tape_tile(const Call<T>& call, double* sums, Vec<T>* totals_of_call, const Tile& tile,
               const Step* code, const Step* end, const double* constants, Ints<T> last,
               bool at_end, TapeRegister<T>* registers) {
    using Op = Operation;
    const int count = int(tile.rows) * tile.width;
    for (; code != end; ++code) {
        TapeRegister<T>& to = registers[code->target];
        const bool reads = code->operation >= Op::store;  // the others' sources are no registers
        const TapeRegister<T>& x = registers[reads ? code->x : 0];
        const TapeRegister<T>& y = registers[reads ? code->y : 0];
        const TapeRegister<T>& z = registers[reads ? code->z : 0];
        switch (code->operation) {
        case Op::operand: {
            const T* from = call.in[code->x] + tile.row * call.step[code->x];
            const std::ptrdiff_t step = call.step[code->x];
            for (int r = 0, i = 0; r < tile.rows; ++r, from += step) {
                if (code->y)  // one entry for the row
                    for (int c = 0; c < tile.width; ++c) to.v[i++] = broadcast<T>(*from);
                else
                    for (int c = 0; c < tile.width; ++c)
                        to.v[i++] = load_unaligned<T>(from + tile.column + c * lanes<T>);
            }
            break;
        }
        case Op::scalar: each(count, to, [&](int) { return broadcast<T>(call.scalar[code->x]); });
            break;
        case Op::constant:
            each(count, to, [&](int) { return broadcast<T>(T(constants[code->x])); });
            break;
        case Op::store: {
            T* into = call.out[code->y] + tile.row * call.out_step[code->y] + tile.column;
            for (int r = 0, i = 0; r < tile.rows; ++r, into += call.out_step[code->y])
                for (int c = 0; c < tile.width; ++c, ++i)
                    store_unaligned<T>(into + c * lanes<T>,
                                       at_end && c + 1 == tile.width ? masked<T>(x.v[i], last)
                                                                     : x.v[i]);
            break;
        }
        case Op::sum: {
            Vec<T> sum = totals_of_call ? totals_of_call[code->y] : Vec<T>{};
            for (int r = 0, i = 0; r < tile.rows; ++r)
                for (int c = 0; c < tile.width; ++c, ++i)
                    sum += at_end && c + 1 == tile.width ? masked<T>(x.v[i], last) : x.v[i];
            if (totals_of_call)
                totals_of_call[code->y] = sum;
            else
                sums[code->y] += double(sum_lanes<T>(sum));
            break;
        }
        case Op::add: each(count, to, [&](int i) { return x.v[i] + y.v[i]; }); break;
        case Op::subtract: each(count, to, [&](int i) { return x.v[i] - y.v[i]; }); break;
        case Op::multiply: each(count, to, [&](int i) { return x.v[i] * y.v[i]; }); break;
        case Op::divide: each(count, to, [&](int i) { return x.v[i] / y.v[i]; }); break;
        case Op::fma: each(count, to, [&](int i) { return fma<T>(x.v[i], y.v[i], z.v[i]); }); break;
        case Op::fnma: each(count, to, [&](int i) { return fnma<T>(x.v[i], y.v[i], z.v[i]); });
            break;
        case Op::negate: each(count, to, [&](int i) { return -x.v[i]; }); break;
        case Op::exp: each(count, to, [&](int i) { return exp<T>(x.v[i]); }); break;
        case Op::log: each(count, to, [&](int i) { return log<T>(x.v[i]); }); break;
        case Op::expm1: each(count, to, [&](int i) { return expm1<T>(x.v[i]); }); break;
        case Op::log1p: each(count, to, [&](int i) { return log1p<T>(x.v[i]); }); break;
        case Op::tanh: each(count, to, [&](int i) { return tanh<T>(x.v[i]); }); break;
        case Op::erf: each(count, to, [&](int i) { return erf<T>(x.v[i]); }); break;
        case Op::sigmoid: each(count, to, [&](int i) { return sigmoid<T>(x.v[i]); }); break;
        case Op::sqrt: each(count, to, [&](int i) { return sqrt<T>(x.v[i]); }); break;
        case Op::abs: each(count, to, [&](int i) { return abs<T>(x.v[i]); }); break;
        case Op::sign: each(count, to, [&](int i) { return sign<T>(x.v[i]); }); break;
        case Op::maximum: each(count, to, [&](int i) { return maximum<T>(x.v[i], y.v[i]); }); break;
        case Op::minimum: each(count, to, [&](int i) { return minimum<T>(x.v[i], y.v[i]); }); break;
        case Op::greater: each(count, to, [&](int i) { return greater<T>(x.v[i], y.v[i]); }); break;
        case Op::where: each(count, to, [&](int i) { return where<T>(x.v[i], y.v[i], z.v[i]); });
            break;
        case Op::power: each(count, to, [&](int i) { return power<T>(x.v[i], y.v[i]); }); break;
        case Op::sin: each(count, to, [&](int i) { return sin<T>(x.v[i]); }); break;
        case Op::cos: each(count, to, [&](int i) { return cos<T>(x.v[i]); }); break;
        case Op::equal: each(count, to, [&](int i) { return equal<T>(x.v[i], y.v[i]); }); break;
        default: __builtin_trap();
        }
    }
}

// The formula `code` over a call. An operand's second source is 1 if it is broadcast. Sums are
// added up in one register for the whole call, as a kernel adds them, or folded tile by tile.
template <class T>
[[gnu::noinline]] void run_tape(Call<T>& call, const Step* code, const Step* end,
                                const double* constants, bool sums_in_one_register = false) {
    Vec<T> totals[most_sums] = {};
    Vec<T>* const totals_of_call = sums_in_one_register ? totals : nullptr;
    alignas(64) TapeRegister<T> registers[tape_registers];
    const std::ptrdiff_t vectors = (call.columns + lanes<T> - 1) / lanes<T>;
    const Ints<T> last = first_lanes<T>(int(call.columns - (vectors - 1) * lanes<T>));
    if (vectors >= tape_vectors) {
        for (std::ptrdiff_t r = 0; r < call.rows; ++r)
            for (std::ptrdiff_t c = 0; c < vectors; c += tape_vectors) {
                const std::ptrdiff_t rest = vectors - c;
                const int width = rest < tape_vectors ? int(rest) : tape_vectors;
                tape_tile<T>(call, call.sum, totals_of_call, {r, 1, c * lanes<T>, width}, code, end,
                             constants, last, width == rest, registers);
            }
    } else {
        const std::ptrdiff_t height = tape_vectors / vectors;
        for (std::ptrdiff_t r = 0; r < call.rows; r += height) {
            const std::ptrdiff_t rest = call.rows - r;
            tape_tile<T>(call, call.sum, totals_of_call,
                         {r, rest < height ? rest : height, 0, int(vectors)}, code, end, constants,
                         last, true, registers);
        }
    }
    if (totals_of_call)
        for (int s = 0; s < most_sums; ++s) call.sum[s] += double(sum_lanes<T>(totals[s]));
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
