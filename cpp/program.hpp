// A program as the engine gets it: the tables that chainrule/kernels/program_assembly.py writes.
// They define which operations are fused, how each matrix is stored and the order of all
// instructions; the engine has no code for a particular layer, activation or loss.
//
// This file is included by the bindings and by the engine of every instruction set, so it contains
// types and no function.
#pragma once

#include <cstddef>

#include "generated/program.inc"

namespace chainrule {

struct Program {
    const Number* axes;  // lengths; that of the samples is the largest batch
    Number axis_count;
    const ValueRow* values;
    Number value_count;
    const Instruction* instructions;
    Number instruction_count;
    const FormulaRow* formulas;
    Number formula_count;
    const OperandRow* operands;
    Number operand_count;
    const Number* slots;  // scalar slots that formulas read or write sums to
    Number slot_count;
    const Step* tape;
    Number tape_count;
    const Step* scalar_code;
    Number scalar_code_count;
    const double* constants;
    Number constant_count;
    Counts counts;
};

struct Source;  // run_arguments.hpp
struct RunArguments;

// One engine for one number type and instruction set.
struct Engine {
    Number lanes;
    void* (*create)(const Program&);
    void (*destroy)(void*);
    Number (*bytes)(void*);
    // The used part of a value, copied between the arena and a caller's array with these strides.
    void (*write)(void*, Number value, const void* from, Number row_stride, Number column_stride);
    void (*read)(void*, Number value, void* to, Number row_stride, Number column_stride);
    void (*set_scalar)(void*, Number slot, double value);
    double (*get_scalar)(void*, Number slot);
    void (*set_threads)(void*, Number threads);  // at most so many share a step
    // Of what is drawn at random in the next step; steps are numbered from 1.
    void (*set_draws)(void*, std::uint64_t seed, Number step);
    void (*set_batch)(void*, Number samples);
    void (*gather)(void*, const Source&, const Number* rows, Number first, Number count);
    int (*step)(void*);  // 0: the check found a loss that is not finite
    void (*run)(void*, RunArguments&);
};

struct Engines {
    const char* name;
    const Engine* single;
    const Engine* twice;
    const char* const* formulas;  // the generated kernels' texts
    Number formula_count;
};

}  // namespace chainrule
