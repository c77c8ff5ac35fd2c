// The machine that runs a program: its memory, one function per producer, and one step.
#pragma once

#include "arena.hpp"
#include "matmul.hpp"
#include "narrow.hpp"
#include "tape.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A kernel that was generated for one formula.
template <class T>
using Kernel = void (*)(Call<T>&);

// A product's result that is not kept meets its formula in a block of this size: it stays in the
// first-level cache beside the panel of B, and 384 rows of a tile's two vectors fit.
constexpr std::ptrdiff_t scratch_bytes = 49152;
constexpr std::ptrdiff_t scratch_rows = 384;

template <class T>
class Machine {
public:
    Machine(const Program& program, const Kernel<T>* kernels)
        : p(program), kernels_(kernels), arena_(needed(program)) {
        base = arena_.take<T*>(p.value_count);
        stride = arena_.take<std::ptrdiff_t>(p.value_count);
        length = arena_.take<std::ptrdiff_t>(p.axis_count);
        slots = arena_.take<double>(p.scalar_count);
        scratch_ = arena_.take<T>(scratch_bytes / sizeof(T));
        for (Number a = 0; a < p.axis_count; ++a) length[a] = p.axes[a];
        for (Number v = 0; v < p.value_count; ++v) {
            stride[v] = row_stride<T>(length[p.values[v].columns]);
            base[v] = p.values[v].owner == owned_by_arena ? arena_.take<T>(elements(p, v)) : nullptr;
        }
        set_batch(p.axes[sample_axis]);
    }

    void set_batch(std::ptrdiff_t samples) {
        if (slots[p.batch_slot] == double(samples)) return;
        length[sample_axis] = samples;
        slots[p.batch_slot] = double(samples);
        stale_ = true;
    }

    void set_scalar(Number slot, double value) {
        slots[slot] = value;
        stale_ = true;
    }

    // One step over the batch that lies in its values. False: the check found a loss that is not
    // finite, and nothing has been changed yet.
    bool step() {
        if (stale_) {
            compute(0, p.prelude_count);
            stale_ = false;
        }
        const Instruction* const end = p.instructions + p.instruction_count;
        for (const Instruction* i = p.instructions; i != end; ++i)
            if (!perform(*i)) return false;
        return true;
    }

    std::size_t bytes() const { return arena_.bytes(); }

    static std::size_t elements(const Program& p, Number v) {
        const Value& value = p.values[v];
        return std::size_t(p.axes[value.rows]) *
               std::size_t(row_stride<T>(p.axes[value.columns]));
    }

    const Program& p;
    T** base;
    std::ptrdiff_t* stride;
    std::ptrdiff_t* length;
    double* slots;

private:
    static std::size_t needed(const Program& p) {
        Reservation memory;
        memory.add<T*>(p.value_count);
        memory.add<std::ptrdiff_t>(p.value_count);
        memory.add<std::ptrdiff_t>(p.axis_count);
        memory.add<double>(p.scalar_count);
        memory.add<T>(scratch_bytes / sizeof(T));
        for (Number v = 0; v < p.value_count; ++v)
            if (p.values[v].owner == owned_by_arena) memory.add<T>(elements(p, v));
        return memory.bytes();
    }

    bool perform(const Instruction& i) {
        const std::ptrdiff_t rows = length[i.rows], columns = length[i.columns];
        switch (i.producer) {
        case nothing: break;
        case product:
            if (i.a_turned)
                multiplied<Along::rows>(i, rows, columns);
            else
                multiplied<Along::depth>(i, rows, columns);
            return true;
        case dot: {
            Store<T> keep{base[i.destination], stride[i.destination]};
            forward_narrow<T>(0, columns, rows, length[i.depth], base[i.b], stride[i.b], base[i.a],
                              stride[i.a], i.bias < 0 ? nullptr : base[i.bias],
                              [&](std::ptrdiff_t o, std::ptrdiff_t s, Vec<T> sum, Ints<T> live) {
                                  keep(o, s, kept<T>(sum, live), live);
                              });
            break;
        }
        case total_of_rows: {
            T* const to = base[i.destination];
            column_sums<T>(length[i.depth], 0, columns, base[i.a], stride[i.a],
                           [&](std::ptrdiff_t column, Vec<T> sum, Ints<T>) {
                               store<T>(to + column, sum);
                           });
            break;
        }
        case total_of_columns: totals_of_columns(i, columns); break;
        case largest_of_rows: largest_rows(i, columns); break;
        case largest_of_columns: largest_columns(i, columns); break;
        case transposition:
            transpose<T>(columns, 0, rows, base[i.a], stride[i.a], base[i.destination],
                         stride[i.destination]);
            break;
        case scalars: compute(i.a, i.b); return true;
        case check:
            return __builtin_isfinite(slots[i.a]) && __builtin_isfinite(slots[i.b]);
        default: __builtin_trap();
        }
        if (i.formula >= 0) {
            clear_sums(i.formula);
            const bool has = i.destination >= 0;
            apply(i.formula, 0, 0, rows, columns, has ? base[i.destination] : nullptr,
                  has ? stride[i.destination] : 0);
        }
        return true;
    }

    // A product, and the formula that meets it block by block. Columns go outside: each panel of B
    // is then read by all rows while it is in the first-level cache.
    template <Along along>
    void multiplied(const Instruction& i, std::ptrdiff_t rows, std::ptrdiff_t columns) {
        const Left<T> a = {base[i.a], stride[i.a]};
        const Right<T> b = {base[i.b], stride[i.b]};
        const T* const bias = i.bias < 0 ? nullptr : base[i.bias];
        const std::ptrdiff_t depth = length[i.depth];
        if (i.formula < 0) {
            T* const to = base[i.destination];
            const std::ptrdiff_t step = stride[i.destination];
            multiply<T, along>({0, rows, 0, columns}, depth, a, b, bias, Store<T>{to, step},
                               Partial<T>{to, step});
            return;
        }
        clear_sums(i.formula);
        constexpr std::ptrdiff_t narrowest = tile_vectors * lanes<T>;
        const std::ptrdiff_t height = rows < scratch_rows ? rows : scratch_rows;
        std::ptrdiff_t width = columns;
        if (height * padded<T>(columns) > scratch_bytes / std::ptrdiff_t(sizeof(T))) {
            width = scratch_bytes / std::ptrdiff_t(sizeof(T)) / height / narrowest * narrowest;
            if (width < narrowest) width = narrowest;
        }
        for (std::ptrdiff_t column = 0; column < columns; column += width) {
            const std::ptrdiff_t right = columns - column < width ? columns : column + width;
            for (std::ptrdiff_t row = 0; row < rows; row += height) {
                const std::ptrdiff_t bottom = rows - row < height ? rows : row + height;
                const bool kept_whole = i.destination >= 0;
                const std::ptrdiff_t step =
                    kept_whole ? stride[i.destination] : padded<T>(right - column);
                T* const block =
                    kept_whole ? base[i.destination] + row * step + column : scratch_;
                T* const origin = block - row * step - column;  // of the whole result
                multiply<T, along>({row, bottom, column, right}, depth, a, b, bias,
                                   Store<T>{origin, step}, Partial<T>{origin, step});
                apply(i.formula, row, column, bottom - row, right - column, block, step);
            }
        }
    }

    void clear_sums(Number number) {
        const Formula& f = p.formulas[number];
        for (Number s = f.sum_begin; s < f.sum_end; ++s) slots[p.slots[s]] = 0.0;
    }

    // The formula over a block of its result; `block` is the producer's result there, if it has
    // no value of its own.
    void apply(Number number, std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t rows,
               std::ptrdiff_t columns, const T* block, std::ptrdiff_t block_step) {
        const Formula& f = p.formulas[number];
        Call<T> call;
        call.rows = rows;
        call.columns = columns;
        bool even = rows > 1 && columns % lanes<T> == 0;  // could run as one long row
        int n = 0;
        for (Number o = f.operand_begin; o < f.operand_end; ++o, ++n) {
            const Place& place = p.places[o];
            if (place.value < 0) {
                call.in[n] = block;
                call.step[n] = block_step;
            } else {
                const T* const from = base[place.value];
                const std::ptrdiff_t step = stride[place.value];
                switch (place.spread) {
                case entrywise:
                    call.in[n] = from + row * step + column;
                    call.step[n] = step;
                    break;
                case each_row:
                    call.in[n] = from + column;
                    call.step[n] = 0;
                    break;
                case each_column:
                    call.in[n] = from + row;
                    call.step[n] = 1;
                    break;
                default:
                    call.in[n] = from;
                    call.step[n] = 0;
                }
            }
            even = even && (call.step[n] == columns || place.spread == everywhere);
        }
        n = 0;
        for (Number s = f.scalar_begin; s < f.scalar_end; ++s, ++n)
            call.scalar[n] = T(slots[p.slots[s]]);
        n = 0;
        for (Number s = f.store_begin; s < f.store_end; ++s, ++n) {
            const Number value = p.places[s].value;
            call.out_step[n] = stride[value];
            call.out[n] = base[value] + row * stride[value] + column;
            even = even && call.out_step[n] == columns;
        }
        if (even) {
            call.columns = rows * columns;
            call.rows = 1;
        }
        const Number sums = f.sum_end - f.sum_begin;
        for (n = 0; n < sums; ++n) call.sum[n] = 0.0;
        if (f.native >= 0)
            kernels_[f.native](call);
        else
            run_tape<T>(call, p.tape + f.code_begin, p.tape + f.code_end, p.constants);
        for (n = 0; n < sums; ++n) slots[p.slots[f.sum_begin + n]] += call.sum[n];
    }

    // Sums along each row of a; the results stand side by side.
    void totals_of_columns(const Instruction& i, std::ptrdiff_t rows) {
        T* const to = base[i.destination];
        const std::ptrdiff_t depth = length[i.depth], step = stride[i.a];
        for (std::ptrdiff_t r = 0; r < rows; ++r) {
            const T* const from = base[i.a] + r * step;
            Vec<T> sum{};
            for (std::ptrdiff_t k = 0; k < depth; k += lanes<T>) sum += load<T>(from + k);
            to[r] = sum_lanes<T>(sum);  // padding is zero
        }
        for (std::ptrdiff_t r = rows; r < padded<T>(rows); ++r) to[r] = T(0);
    }

    void largest_columns(const Instruction& i, std::ptrdiff_t rows) {
        T* const to = base[i.destination];
        const std::ptrdiff_t depth = length[i.depth], step = stride[i.a];
        const Vec<T> least = broadcast<T>(-Constants<T>::infinity);
        for (std::ptrdiff_t r = 0; r < rows; ++r) {
            const T* const from = base[i.a] + r * step;
            Vec<T> best = least;
            std::ptrdiff_t k = 0;
            for (; k + lanes<T> <= depth; k += lanes<T>) best = maximum<T>(best, load<T>(from + k));
            if (k < depth)
                best = maximum<T>(
                    best, select<T>(first_lanes<T>(int(depth - k)), load<T>(from + k), least));
            to[r] = largest_lane<T>(best);
        }
        for (std::ptrdiff_t r = rows; r < padded<T>(rows); ++r) to[r] = T(0);
    }

    void largest_rows(const Instruction& i, std::ptrdiff_t columns) {
        T* const to = base[i.destination];
        const std::ptrdiff_t depth = length[i.depth], step = stride[i.a];
        for (std::ptrdiff_t c = 0; c < columns; c += lanes<T>) {
            Vec<T> best = load<T>(base[i.a] + c);
            for (std::ptrdiff_t r = 1; r < depth; ++r)
                best = maximum<T>(best, load<T>(base[i.a] + r * step + c));
            store<T>(to + c, best);  // padding is zero and stays so
        }
    }

    // Scalars are doubles whatever the type of the matrices.
    void compute(Number begin, Number end) {
        for (const Step* s = p.scalar_code + begin; s != p.scalar_code + end; ++s) {
            const bool reads = s->operation > op_sum;  // the others' sources are no slots
            const double x = slots[reads ? s->x : 0], y = slots[s->y], z = slots[s->z];
            double& to = slots[s->target];
            switch (s->operation) {
            case op_operand: to = double(*base[s->x]); break;
            case op_constant: to = p.constants[s->x]; break;
            case op_add: to = x + y; break;
            case op_subtract: to = x - y; break;
            case op_multiply: to = x * y; break;
            case op_divide: to = x / y; break;
            case op_fma: to = x * y + z; break;
            case op_fnma: to = z - x * y; break;
            case op_negate: to = -x; break;
            case op_exp: to = __builtin_exp(x); break;
            case op_log: to = __builtin_log(x); break;
            case op_expm1: to = __builtin_expm1(x); break;
            case op_log1p: to = __builtin_log1p(x); break;
            case op_tanh: to = __builtin_tanh(x); break;
            case op_erf: to = __builtin_erf(x); break;
            case op_sigmoid: to = 1.0 / (1.0 + __builtin_exp(-x)); break;
            case op_sqrt: to = __builtin_sqrt(x); break;
            case op_abs: to = __builtin_fabs(x); break;
            case op_sign: to = x > 0 ? 1.0 : x < 0 ? -1.0 : x; break;
            case op_maximum: to = x > y ? x : y; break;
            case op_minimum: to = x < y ? x : y; break;
            case op_greater: to = x > y ? 1.0 : 0.0; break;
            case op_where: to = x != 0 ? y : z; break;
            case op_power: to = __builtin_pow(x, y); break;
            default: __builtin_trap();
            }
        }
    }

    const Kernel<T>* kernels_;
    Arena arena_;
    T* scratch_;
    bool stale_ = true;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
