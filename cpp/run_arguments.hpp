// The arguments and results of a run of epochs: the data, the order of the samples, the learning
// rates and the rules of early stopping. Types and no function, as in program.hpp.
#pragma once

#include "program.hpp"

namespace chainrule {

// Rows of an array of the caller, gathered into a value of the program.
struct Source {
    Number value;
    Number transposed;  // whether the value is stored with the array's columns as its rows
    const void* data;
    Number columns, row_stride;  // in elements
};

// Called at intervals during a long run, with the number of complete epochs.
struct Listener {
    int (*poll)(void*, Number);  // Answer
    double (*seconds)();
    void* self;
};
enum Answer : int { go_on = 0, stop_now = 1, stop_after_epoch = 2 };

// The array that a parameter is copied to. value < 0: the scalar in slot -1 - value.
struct ParameterCopy {
    Number value;
    void* to;
    Number row_stride, column_stride;  // in elements
};

struct RunArguments {
    Number samples, batch, first_epoch, epochs, first_step;
    const Source* sources;
    Number source_count;
    SampleOrder order;
    std::uint64_t seed;        // of the order
    std::uint64_t draws_seed;  // of what is drawn at random in a step
    Number* indices;         // of the samples in their order; null: unchanged
    std::uint32_t* twister;  // the state of the Mersenne Twister: 624 words, then how many are used
    double rate;
    const double* rates;  // by epoch, or null: always `rate`
    Number rate_slot;     // or none
    StoppingRow* rules;
    Number rule_count;
    const ParameterCopy* best;  // arrays for the parameters after the best epoch
    Number best_count;
    EpochRow* records;
    // Held-out data: another engine of the same kind, and the values that it shares.
    void* held;
    const Source* held_sources;
    Number held_source_count;
    Number held_samples, held_batch;
    const Source* held_weights;  // one of the held sources, or null
    const Number* shared;  // pairs of values: here, there
    Number shared_count;
    const Number* state;  // the values that steps change and later ones read
    Number state_count;
    Listener listener;
    // Results.
    RunEnding ending;
    Number epochs_done, steps_done, batch_number;
};

}  // namespace chainrule
