// A course of epochs, as the engine is given it: the data, the order of the samples, the learning
// rates, what is watched, and what comes of it. Types and no function, as in program.hpp.
#pragma once

#include "program.hpp"

namespace chainrule {

// Rows of an array of the caller, gathered into a value of the program.
struct Source {
    Number value;
    Number turned;  // whether the value is stored with the array's columns as its rows
    const void* data;
    Number columns, row_stride;  // in elements
};

// Called now and then from a long run, with the number of epochs that are done.
struct Listener {
    int (*poll)(void*, Number);  // Answer
    double (*seconds)();
    void* self;
};
enum Answer : int { go_on = 0, stop_now = 1, stop_after_epoch = 2 };

enum Order : Number {
    as_they_lie = 0,
    by_philox = 1,            // places: room for the order, made anew in each epoch
    by_mersenne_twister = 2,  // places: the last epoch's order, shuffled on
    as_given = 3,             // places: the order of every epoch
};

// A value that is watched, and what is done when it no longer falls: a row of the caller's table.
// An epoch improves where the value falls below the best one by `tolerance`; after more than
// `patience` epochs in a row without, the learning rate is divided, and where it is already at
// `smallest_rate` or below, or nothing divides it, the run ends. The rule is scikit-learn's.
struct Watch {
    double held_out;      // 1: the held-out loss; 0: data_weight x data loss + penalties
    double data_weight;
    double patience, tolerance;
    double divisor;       // 0: the run ends at once
    double smallest_rate;
    double keeps_best;    // 1: the parameters after the best epoch are kept
    // What came of it so far; goes on from run to run.
    double best, best_epoch, count, reductions;
};

// Where a parameter is put when it is to be kept. value < 0: the scalar in slot -1 - value.
struct Kept {
    Number value;
    void* to;
    Number rows_apart, columns_apart;  // in elements
};

// What is written of an epoch.
struct Record {
    double loss, data_loss, held_loss, rate;
};

enum Ending : Number {
    finished = 0,
    interrupted = 1,  // the listener said stop now
    not_finite = 2,
    no_better = 3,    // what is watched no longer improves
    asked = 4,        // the listener said stop after the epoch
};

struct Course {
    Number samples, batch, first_epoch, epochs, first_step;
    const Source* sources;
    Number source_count;
    Number order;  // Order
    std::uint64_t seed;
    Number* places;
    std::uint32_t* twister;  // the state of the Mersenne Twister: 624 words, then the place
    double rate;
    const double* rates;  // by epoch, or null: always `rate`
    Number rate_slot;     // or -1
    Watch* watches;
    Number watch_count;
    const Kept* kept;
    Number kept_count;
    Record* records;
    // Held-out data: another engine of the same kind, and what it shares.
    void* held;
    const Source* held_sources;
    Number held_samples, held_batch;
    const Number* shared;  // pairs of values: here, there
    Number shared_count;
    Listener listener;
    // What came of it.
    Number ending, epochs_done, steps_done, batch_number;
};

}  // namespace chainrule
