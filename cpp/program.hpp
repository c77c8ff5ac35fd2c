// What the engine is given: a program as plain tables of numbers. It knows no layer, activation or
// loss; whoever writes the tables (chainrule/kernels/program.py) has decided what is fused with
// what, how each matrix lies in memory, and in which order everything runs.
//
// This file is seen by the bindings and by the engine of every instruction set, so it holds types
// and no function.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

using Number = std::int64_t;

// Lengths of axes by number: 0 is the unit axis, 1 the samples of the batch at hand.
constexpr Number unit_axis = 0, sample_axis = 1;

// A matrix as it is stored: rows x columns, and who owns the memory.
struct Value {
    Number rows, columns;  // axes
    Number owner;          // Owner
};
enum Owner : Number {
    owned_by_arena = 0,
    given_in_place = 1,  // rows of the caller's array, read only as the left factor of products
};

enum Producer : Number {
    nothing = 0,
    product = 1,          // destination = op(a) · b, started from the bias
    dot = 2,              // destination = a · bᵀ along contiguous rows of both
    total_of_rows = 3,    // sums down the columns of a: one row
    total_of_columns = 4,  // sums along the rows of a: one row, an entry for each row of a
    largest_of_rows = 5,
    largest_of_columns = 6,
    transposition = 7,
    scalars = 8,  // scalar code [a, b)
    check = 9,    // stop where scalar a or b is not finite: the step has changed nothing yet
    loops = 10,   // scalar code [a, b) with loops over axes
};

// One instruction: a producer, and a formula that meets its result block by block.
struct Instruction {
    Number producer;
    Number destination;  // value, or -1: the result lives in a scratch block
    Number a, a_turned, b;
    Number bias;  // value added to each row (product), or an entry to each row (dot), or -1
    Number rows, columns, depth;  // axes
    Number formula;               // or -1
    Number bias_by_row;           // product: the bias is an entry for each row
    Number passing;  // the destination is read by this formula alone and need not be stored
};

// A formula entry by entry: its code, or the number of a generated kernel, and what it is given.
// Ranges are [begin, end) in the tables below.
struct Formula {
    Number native;  // or -1: the tape
    Number code_begin, code_end;
    Number operand_begin, operand_end;
    Number scalar_begin, scalar_end;  // scalar slots
    Number store_begin, store_end;
    Number sum_begin, sum_end;  // scalar slots that receive the sum over all entries
};

// Where an operand or a store lies. value -1: the producer's result.
struct Place {
    Number value;
    Number spread;  // Spread
};
enum Spread : Number {
    entrywise = 0,     // an entry for each entry
    each_row = 1,      // one row, used for every row
    each_column = 2,   // one entry for each row, stored contiguously
    everywhere = 3,    // a single entry
};

// Tape and scalar code: operation, target, up to three sources.
struct Step {
    Number operation, target, x, y, z;
};

enum Operation : Number {
    op_operand, op_scalar, op_constant, op_store, op_sum,
    op_add, op_subtract, op_multiply, op_divide, op_fma, op_fnma, op_negate,
    op_exp, op_log, op_expm1, op_log1p, op_tanh, op_erf, op_sigmoid, op_sqrt,
    op_abs, op_sign, op_maximum, op_minimum, op_greater, op_where, op_power,
    operation_count,
    // Of loops only. Sources y and z of a load or a store are counters: the row, the column.
    loop_load = operation_count, loop_begin, loop_end, loop_add, loop_largest, loop_store, loop_slot,
};

struct Program {
    const Number* axes;  // lengths; that of the samples is the largest batch
    Number axis_count;
    const Value* values;
    Number value_count;
    const Instruction* instructions;
    Number instruction_count;
    const Formula* formulas;
    Number formula_count;
    const Place* places;
    Number place_count;
    const Number* slots;  // scalar slots that formulas read and sum into
    Number slot_count;
    const Step* tape;
    Number tape_count;
    const Step* scalar_code;
    Number scalar_code_count, prelude_count;  // the first ones depend on B and t only
    const double* constants;
    Number constant_count;
    Number register_count, counter_count;  // of loops
    Number scalar_count;  // scalar slots; slot a is the length of axis a, then t
    Number batch_slot, time_slot, loss_slot, data_loss_slot;
};

struct Source;  // course.hpp
struct Course;

// One engine for one number type and instruction set.
struct Engine {
    Number lanes;
    void* (*create)(const Program&);
    void (*destroy)(void*);
    Number (*bytes)(void*);
    // A value's live part, between the arena and a caller's array with these strides.
    void (*write)(void*, Number value, const void* from, Number row_stride, Number column_stride);
    void (*read)(void*, Number value, void* to, Number row_stride, Number column_stride);
    void (*set_scalar)(void*, Number slot, double value);
    double (*get_scalar)(void*, Number slot);
    void (*set_threads)(void*, Number threads);  // at most so many share a step
    void (*set_batch)(void*, Number samples);
    void (*gather)(void*, const Source&, const Number* rows, Number first, Number count);
    int (*step)(void*);  // 0: the check found a loss that is not finite
    void (*run)(void*, Course&);
};

struct Engines {
    const char* name;
    const Engine* single;
    const Engine* twice;
    const char* const* formulas;  // the generated kernels' texts
    Number formula_count;
};

}  // namespace chainrule
