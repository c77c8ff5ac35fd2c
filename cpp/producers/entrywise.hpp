// Formulas entry by entry: alone (Producer::nothing), or applied to the result of another producer.
#pragma once

#include "../prepared_instruction.hpp"
#include "../tape.hpp"
#include "../work_sharing.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A formula with sums is applied to a larger result in blocks of rows, whose sums are added in
// order. Where the blocks end depends on the shape of the result only, so that threads may share
// them and the bits of a sum are the same for any number of threads.
constexpr std::ptrdiff_t summed_entries = 16384;

inline std::ptrdiff_t summed_rows(std::ptrdiff_t columns) {
    return columns < summed_entries ? summed_entries / columns : 1;
}

template <class T>
bool summed_in_blocks(const Machine<T>& m, const Instruction& i) {
    const FormulaRow& f = m.p.formulas[i.formula];
    return f.sum_end > f.sum_begin && m.length[i.rows] * m.length[i.columns] > summed_entries;
}

template <class T>
void clear_sums(Machine<T>& m, const FormulaRow& f) {
    for (Number s = f.sum_begin; s < f.sum_end; ++s) m.slots[m.p.slots[s]] = 0.0;
}

template <class T>
void add_sums(Machine<T>& m, const FormulaRow& f, const double* sums) {
    for (Number s = f.sum_begin; s < f.sum_end; ++s)
        m.slots[m.p.slots[s]] += sums[s - f.sum_begin];
}

// The memory that a formula reads and writes in one block of its result. `block` is the producer's
// result there, if it has no value of its own.
template <class T>
void set_block(Machine<T>& m, Call<T>& call, const FormulaRow& f, std::ptrdiff_t row,
               std::ptrdiff_t column, std::ptrdiff_t rows, std::ptrdiff_t columns, const T* block,
               std::ptrdiff_t block_step) {
    call.rows = rows;
    call.columns = columns;
    bool one_row = rows > 1 && columns % lanes<T> == 0;  // whether it could run as one long row
    int n = 0;
    for (Number o = f.operand_begin; o < f.operand_end; ++o, ++n) {
        const OperandRow& operand = m.p.operands[o];
        if (operand.value < 0) {
            call.in[n] = block;
            call.step[n] = block_step;
        } else {
            const T* const from = m.base[operand.value];
            const std::ptrdiff_t step = m.stride[operand.value];
            switch (operand.broadcast) {
            case Broadcast::entries:
                call.in[n] = from + row * step + column;
                call.step[n] = step;
                break;
            case Broadcast::row:
                call.in[n] = from + column;
                call.step[n] = 0;
                break;
            case Broadcast::column:
                call.in[n] = from + row;
                call.step[n] = 1;
                break;
            }
        }
        one_row = one_row && call.step[n] == columns;
    }
    n = 0;
    for (Number s = f.store_begin; s < f.store_end; ++s, ++n) {
        const Number value = m.p.operands[s].value;
        call.out_step[n] = m.stride[value];
        call.out[n] = m.base[value] + row * m.stride[value] + column;
        one_row = one_row && call.out_step[n] == columns;
    }
    if (one_row) {
        call.columns = rows * columns;
        call.rows = 1;
    }
}

template <class T>
void load_scalars(const Machine<T>& m, const FormulaRow& f, Call<T>& call) {
    int n = 0;
    for (Number s = f.scalar_begin; s < f.scalar_end; ++s, ++n)
        call.scalar[n] = T(m.slots[m.p.slots[s]]);
}

// Runs a formula over one block. Its sums over the block are left in the call.
template <class T>
void call_formula(Machine<T>& m, const FormulaRow& f, Call<T>& call) {
    load_scalars(m, f, call);
    const Number sums = f.sum_end - f.sum_begin;
    for (int n = 0; n < sums; ++n) call.sum[n] = 0.0;
    if (f.native >= 0)
        m.kernels[f.native](call);
    else
        run_tape<T>(call, m.p.tape + f.code_begin, m.p.tape + f.code_end, m.p.constants);
}

// A formula over some rows of its result; the sums are left in the call.
template <class T>
void apply_to_rows(Machine<T>& m, const Instruction& i, const FormulaRow& f, std::ptrdiff_t row,
                   std::ptrdiff_t height, std::ptrdiff_t rows, std::ptrdiff_t columns,
                   Call<T>& call) {
    const bool own = i.destination >= 0;
    const std::ptrdiff_t step = own ? m.stride[i.destination] : padded<T>(columns);
    const T* const from = (own ? m.base[i.destination] : m.scratch) + row * step;
    set_block(m, call, f, row, 0, rows - row < height ? rows - row : height, columns, from, step);
    call_formula(m, f, call);
}

// A formula over its whole result; its sums are added to what their slots contain.
template <class T>
void apply_whole(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    const FormulaRow& f = m.p.formulas[i.formula];
    if (summed_in_blocks(m, i)) {
        const std::ptrdiff_t height = summed_rows(prepared.columns);
        for (std::ptrdiff_t row = 0; row < prepared.rows; row += height) {
            Call<T> call;
            apply_to_rows(m, i, f, row, height, prepared.rows, prepared.columns, call);
            add_sums(m, f, call.sum);
        }
        return;
    }
    refresh(prepared);
    call_formula(m, f, prepared.call);
    add_sums(m, f, prepared.call.sum);
}

// Applies the formula of an instruction, if it has one, after its producer has run.
template <class T>
void apply_formula(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    if (i.formula < 0) return;
    clear_sums(m, m.p.formulas[i.formula]);
    apply_whole(m, i, prepared);
}

// A formula in blocks of rows that threads share; false: it was not run.
template <class T>
bool share_blocks(Machine<T>& m, const Instruction& i) {
    const FormulaRow& f = m.p.formulas[i.formula];
    const std::ptrdiff_t rows = m.length[i.rows], columns = m.length[i.columns];
    if (formula_work<T>(i, m.length) < least_shared) return false;
    const bool sums = f.sum_end > f.sum_begin;
    std::ptrdiff_t height = summed_rows(columns);
    if (!sums) {
        const std::ptrdiff_t parts = parts_for(formula_work<T>(i, m.length), m.threads());
        height = pieces(rows, parts < rows ? parts : rows);
    }
    const std::ptrdiff_t count = pieces(rows, height);
    if (count < 2) return false;
    m.share(count, [&](std::ptrdiff_t b, int) {
        Call<T> call;
        apply_to_rows(m, i, f, b * height, height, rows, columns, call);
        if (sums)
            for (int n = 0; n < most_sums; ++n) m.block_sums[b * most_sums + n] = call.sum[n];
    });
    clear_sums(m, f);
    if (sums)
        for (std::ptrdiff_t b = 0; b < count; ++b) add_sums(m, f, m.block_sums + b * most_sums);
    return true;
}

// Applies the formula of an instruction, if it has one, shared by threads where that pays.
template <class T>
void share_formula(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    if (i.formula >= 0 && !share_blocks(m, i)) apply_formula(m, i, prepared);
}

// Looks up the operands, sums and changing scalars of the formula of an instruction.
template <class T>
void prepare_formula(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    if (i.formula < 0) return;
    const FormulaRow& f = m.p.formulas[i.formula];
    set_block<T>(m, prepared.call, f, 0, 0, prepared.rows, prepared.columns, prepared.into.data,
                 prepared.into.stride);
    prepared.kernel = f.native >= 0 ? m.kernels[f.native] : nullptr;
    for (Number n = f.operand_begin; n < f.operand_end; ++n) {
        const Number value = m.p.operands[n].value;
        if (value < 0 || !m.is_given(value)) continue;
        prepared.moved[prepared.moving] = int(n - f.operand_begin);
        prepared.moved_from[prepared.moving++] = m.base + value;
    }
    for (Number s = f.sum_begin; s < f.sum_end; ++s)
        prepared.sum_into[prepared.sums++] = m.slots + m.p.slots[s];
    for (Number s = f.scalar_begin; s < f.scalar_end; ++s) {
        if (!m.is_changing(m.p.slots[s])) continue;
        prepared.changing_number[prepared.changing] = int(s - f.scalar_begin);
        prepared.changing_from[prepared.changing++] = m.slots + m.p.slots[s];
    }
}

// Whether a prepared action can do all of an instruction: its formula has a kernel, which runs over
// the whole result at once.
template <class T>
bool formula_is_direct(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    return i.formula < 0 || (prepared.kernel && !summed_in_blocks(m, i));
}

// Looks up the matrices that a producer reads.
template <class T>
void prepare_inputs(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
    prepared.a = m.base + i.a;
    prepared.b = m.base + i.b;
    prepared.a_stride = m.stride + i.a;
    prepared.b_stride = m.stride + i.b;
    prepared.from.depth = m.length[i.depth];
    prepared.bias = i.bias < 0 ? nullptr : m.base[i.bias];
}

template <class T>
struct Entrywise {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return formula_work<T>(i, lengths);
    }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (i.formula >= 0 && formula_is_direct(m, i, prepared)) prepared.action = run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        apply_prepared(prepared);
        return true;
    }
    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        apply_formula(m, i, prepared);
        return true;
    }
    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>&) {
        return i.formula >= 0 && share_blocks(m, i);
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
