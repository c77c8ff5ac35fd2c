// Prepared instructions: what is the same in each step with batches of one length is looked up
// once, so that a step is a list of direct calls. Before, a step of a tiny network spent nine
// tenths of its 3,700 instructions on these lookups.
#pragma once

#include "formula.hpp"
#include "matmul.hpp"
#include "narrow.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
using Kernel = void (*)(Call<T>&);

template <class T>
struct PreparedInstruction;

// Runs an instruction; false: the step ends here.
template <class T>
using Action = bool (*)(PreparedInstruction<T>&);

template <class T>
struct PreparedInstruction {
    Action<T> action;  // null: the producer's run() looks everything up in each step

    // Matrices that are read, by reference: rows of the caller's data have another address in each
    // step.
    T* const* a;
    T* const* b;
    const std::ptrdiff_t* a_stride;
    const std::ptrdiff_t* b_stride;
    std::ptrdiff_t rows, columns;

    // A product by tiles: `tall` of height + 1 rows, then others of `height`, over panels of two
    // vectors, and at last one of `last_vectors`.
    Operands<T> from;
    Store<T> into;
    Ints<T> last;
    const T* bias;
    const T* start;  // the sums' first row; start_steps: whether it follows the columns
    bool one_tile, start_steps;
    TileFunction<T> tall_tile[2], tile[2];  // in a panel of two vectors, in the last one
    std::ptrdiff_t tiles, tall, height, panels;

    // Scalar code, and the scalars of a check.
    void* machine;
    const Step *code, *code_end;
    const double* checked[2];

    // The formula.
    Kernel<T> kernel;
    Call<T> call;
    T* const* moved_from[most_operands];  // operands with another address in each step
    int moved[most_operands];
    int moving;
    int sums;
    double* sum_into[most_sums];
    int changing;  // scalars that change during a step
    int changing_number[most_scalars];
    const double* changing_from[most_scalars];
};

template <class T>
class Machine;

// The functions of one producer, in producers/. All but `work` may use the whole machine.
template <class T>
struct ProducerFunctions {
    // An estimate of the time on one thread, in microseconds, for axes of these lengths.
    double (*work)(const Instruction&, const std::ptrdiff_t* lengths);
    // Sets the action and what it needs; without an action, run() is called in each step.
    void (*prepare)(Machine<T>&, const Instruction&, PreparedInstruction<T>&);
    // Runs the instruction; false: the step ends here.
    bool (*run)(Machine<T>&, const Instruction&, PreparedInstruction<T>&);
    // Runs it in parts that threads share; false: it was not run, and one thread should run it.
    // Null: one thread always does.
    bool (*share)(Machine<T>&, const Instruction&, PreparedInstruction<T>&);
};

// The formula's operands and scalars as they are in this step.
template <class T>
CHAINRULE_INLINE void refresh(PreparedInstruction<T>& prepared) {
    for (int m = 0; m < prepared.moving; ++m)
        prepared.call.in[prepared.moved[m]] = *prepared.moved_from[m];
    for (int s = 0; s < prepared.changing; ++s)
        prepared.call.scalar[prepared.changing_number[s]] = T(*prepared.changing_from[s]);
}

template <class T>
CHAINRULE_INLINE void apply_prepared(PreparedInstruction<T>& prepared) {
    refresh(prepared);
    for (int s = 0; s < prepared.sums; ++s) prepared.call.sum[s] = 0.0;
    prepared.kernel(prepared.call);
    for (int s = 0; s < prepared.sums; ++s) *prepared.sum_into[s] = prepared.call.sum[s];
}

// An epilogue that stores sums, with zeros in the padding.
template <class T>
struct StoreMasked {
    T* data;
    std::ptrdiff_t stride;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t row, std::ptrdiff_t column, Vec<T> sum,
                                     Ints<T> live) const {
        store<T>(data + row * stride + column, masked<T>(sum, live));
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
