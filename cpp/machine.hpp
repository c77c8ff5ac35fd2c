// The machine that runs a program: its memory, and one step.
#pragma once

#include <stdlib.h>

#include "arena.hpp"
#include "pool.hpp"
#include "producers/table.hpp"
#include "step_scalars.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// Called between the parts of a long step; true: stop now.
struct Interrupter {
    bool (*stops)(void*);
    void* self;
};

template <class T>
class Machine {
public:
    Machine(const Program& program, const Kernel<T>* kernels_of_formulas,
            const signed char* fused_product_numbers, const FusedProducts<T>* fused_products)
        : p(program),
          kernels(kernels_of_formulas),
          fused_product_numbers_(fused_product_numbers),
          fused_products_(fused_products),
          arena_(needed(program)) {
        base = arena_.take<T*>(p.value_count);
        stride = arena_.take<std::ptrdiff_t>(p.value_count);
        length = arena_.take<std::ptrdiff_t>(p.axis_count);
        slots = arena_.take<double>(p.counts.slots);
        registers = arena_.take<double>(p.counts.registers);
        counters = arena_.take<std::ptrdiff_t>(p.counts.counters);
        scratch = arena_.take<T>(scratch_entries<T>);
        prepared_lists_ = arena_.take<PreparedInstruction<T>>(2 * p.instruction_count);
        given_ = arena_.take<unsigned char>(p.value_count);
        block_sums = arena_.take<double>(most_sums * most_blocks(p));
        changing_ = arena_.take<unsigned char>(p.counts.slots);
        find_given();
        find_changing();
        step_scalars_.find(arena_, p, changing_);
        for (Number a = 0; a < p.axis_count; ++a) length[a] = p.axes[a];
        for (Number v = 0; v < p.value_count; ++v) {
            stride[v] = row_stride<T>(length[p.values[v].columns]);
            base[v] = nullptr;
            if (p.values[v].owner == Owner::arena) base[v] = arena_.take<T>(elements(p, v));
        }
        set_batch(p.axes[sample_axis]);
    }
    ~Machine() { free(stored_); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    void set_batch(std::ptrdiff_t samples) {
        if (slots[p.counts.batch_slot] == double(samples)) return;
        length[sample_axis] = samples;
        slots[p.counts.batch_slot] = double(samples);
        stale_ = true;
    }

    void set_scalar(Number slot, double value) {
        slots[slot] = value;
        (slot == p.counts.time_slot ? new_time_ : stale_) = true;
    }

    // Of what is drawn at random in the next step; steps are numbered from 1.
    void set_draws(std::uint64_t seed_of_run, Number step) {
        seed = seed_of_run;
        step_number = step;
    }

    // How many threads may share a step. Small steps always run on one.
    void set_threads(Number threads) {
        double all = 0.0;
        for (Number n = 0; n < p.instruction_count; ++n) {
            const Instruction& i = p.instructions[n];
            all += producers<T>[i.producer].work(i, p.axes);
        }
        threads_ = threads < 2 || all < least_step ? 1
                   : threads < most_threads        ? int(threads)
                                                   : most_threads;
        is_long_ = all > longest_step;
        in_parts_ = threads_ > 1 || interrupter_;
    }

    // From now on long steps can be interrupted; null: no step can.
    void set_interrupter(const Interrupter* interrupter) {
        interrupter_ = is_long_ ? interrupter : nullptr;
        in_parts_ = threads_ > 1 || interrupter_;
        stopped_ = 0;
    }
    bool is_interruptible() const { return interrupter_ != nullptr; }
    // Whether the last step was interrupted, so that its results are of no use.
    bool stopped() const { return stopped_; }

    // Copies the values of a state, what steps change and later ones read, so that a step that was
    // interrupted can be undone. Without memory for the copy, steps are not interrupted.
    void store(const Number* state, Number count) {
        std::size_t all = std::size_t(p.counts.slots) * sizeof(double);
        for (Number n = 0; n < count; ++n) all += elements(p, state[n]) * sizeof(T);
        if (!stored_) stored_ = static_cast<unsigned char*>(malloc(all));
        if (!stored_) return set_interrupter(nullptr);
        unsigned char* to = stored_;
        each_of(state, count, [&](void* from, std::size_t bytes) {
            __builtin_memcpy(to, from, bytes);
            to += bytes;
        });
    }
    void restore(const Number* state, Number count) {
        stale_ = true;
        if (!checked_) return;  // nothing changes before the check
        const unsigned char* from = stored_;
        each_of(state, count, [&](void* to, std::size_t bytes) {
            __builtin_memcpy(to, from, bytes);
            from += bytes;
        });
    }

    // One step over the batch in the values. False: the check found a loss that is not finite, and
    // nothing has been changed yet.
    bool step() {
        if (stale_)
            update_prepared();
        else if (new_time_)
            step_scalars_.write(slots);
        new_time_ = false;
        if (in_parts_) return step_in_parts();
        PreparedInstruction<T>* prepared = prepared_;
        const PreparedInstruction<T>* const end = prepared_ + p.instruction_count;
        for (const Instruction* i = p.instructions; prepared != end; ++i, ++prepared)
            if (!run(*i, *prepared)) return false;
        return true;
    }

    std::size_t bytes() const { return arena_.bytes(); }

    static std::size_t elements(const Program& p, Number v) {
        const ValueRow& value = p.values[v];
        return std::size_t(p.axes[value.rows]) *
               std::size_t(row_stride<T>(p.axes[value.columns]));
    }

    // -- what producers read ------------------------------------------------------------------

    // Whether a value contains rows of the caller's data.
    bool is_given(Number value) const { return given_[value]; }
    // Whether a scalar changes during a step.
    bool is_changing(Number slot) const { return changing_[slot]; }

    // The functions that apply a formula to a producer's result in registers, if the formula is a
    // light one, its first operand is that result, and nothing else reads it. Null otherwise.
    const FusedProducts<T>* fused_products_of(const Instruction& i) const {
        if (i.formula < 0 || i.bias >= 0 || (i.destination >= 0 && !i.formula_only))
            return nullptr;
        const FormulaRow& f = p.formulas[i.formula];
        if (f.native < 0 || !fused_product_numbers_ || p.operands[f.operand_begin].value >= 0)
            return nullptr;
        const int number = fused_product_numbers_[f.native];
        return number < 0 ? nullptr : fused_products_ + number;
    }

    // During a shared step: how many threads there are, and work(part, thread) for each part.
    int threads() const { return crew_->threads(); }
    template <class Work>
    void share(std::ptrdiff_t parts, const Work& work) {
        if (!interrupter_) return crew_->share(parts, work);
        crew_->share(parts, [&](std::ptrdiff_t part, int thread) {
            if (__atomic_load_n(&stopped_, __ATOMIC_RELAXED)) return;
            work(part, thread);
            // Only the owner's thread may call back: it has the caller's signals.
            if (thread == 0 && interrupter_->stops(interrupter_->self))
                __atomic_store_n(&stopped_, 1, __ATOMIC_RELAXED);
        });
    }

    const Program& p;
    T** base;                // of each value
    std::ptrdiff_t* stride;  // of each value's rows
    std::ptrdiff_t* length;  // of each axis
    double* slots;
    double* registers;         // of loops
    std::ptrdiff_t* counters;  // of loops
    T* scratch;                // a producer's result in blocks
    double* block_sums;        // most_sums for each block
    const Kernel<T>* kernels;  // of formulas
    std::uint64_t seed = 0;    // of what is drawn at random
    Number step_number = 1;    // from 1 on

private:
    // Values with samples that no instruction writes: rows of the caller's data.
    void find_given() {
        for (Number v = 0; v < p.value_count; ++v)
            given_[v] = p.values[v].rows == sample_axis || p.values[v].columns == sample_axis;
        for (Number i = 0; i < p.instruction_count; ++i)
            if (p.instructions[i].destination >= 0) given_[p.instructions[i].destination] = 0;
        for (Number f = 0; f < p.formula_count; ++f)
            for (Number s = p.formulas[f].store_begin; s < p.formulas[f].store_end; ++s)
                given_[p.operands[s].value] = 0;
    }

    void find_changing() {
        for (Number i = 0; i < p.instruction_count; ++i) {
            const Instruction& code = p.instructions[i];
            const bool scalars = code.producer == Producer::scalars;
            if (!scalars && code.producer != Producer::loops) continue;
            for (const Step* s = p.scalar_code + code.a; s != p.scalar_code + code.b; ++s)
                if (scalars || s->operation == Operation::loop_slot) changing_[s->target] = 1;
        }
        for (Number f = 0; f < p.formula_count; ++f)
            for (Number s = p.formulas[f].sum_begin; s < p.formulas[f].sum_end; ++s)
                changing_[p.slots[s]] = 1;
    }

    // Updates what follows from the length of the batch and the given scalars. Full batches and the
    // last, short one have separate lists.
    [[gnu::noinline]] void update_prepared() {
        stale_ = false;
        run_scalar_code(*this, p.scalar_code, p.scalar_code + p.counts.prelude_steps);
        step_scalars_.discard_outdated(slots);
        step_scalars_.write(slots);
        const std::ptrdiff_t samples = length[sample_axis];
        const int which = samples == p.axes[sample_axis] ? 0 : 1;
        prepared_ = prepared_lists_ + which * p.instruction_count;
        if (prepared_samples_[which] != samples) {
            for (Number i = 0; i < p.instruction_count; ++i)
                prepare(p.instructions[i], prepared_[i]);
            prepared_samples_[which] = samples;
        }
        for (Number i = 0; i < p.instruction_count; ++i)
            if (p.instructions[i].formula >= 0)
                load_scalars(*this, p.formulas[p.instructions[i].formula], prepared_[i].call);
    }

    void prepare(const Instruction& i, PreparedInstruction<T>& prepared) {
        __builtin_memset(static_cast<void*>(&prepared), 0, sizeof prepared);
        prepared.rows = length[i.rows];
        prepared.columns = length[i.columns];
        const bool own = i.destination >= 0;
        prepared.into = {own ? base[i.destination] : scratch,
                         own ? stride[i.destination] : padded<T>(prepared.columns)};
        prepare_formula(*this, i, prepared);
        producers<T>[i.producer].prepare(*this, i, prepared);
    }

    static std::size_t needed(const Program& program) {
        const Program& p = program;
        Reservation memory;
        memory.add<T*>(p.value_count);
        memory.add<std::ptrdiff_t>(p.value_count);
        memory.add<std::ptrdiff_t>(p.axis_count);
        memory.add<double>(p.counts.slots);
        memory.add<double>(p.counts.registers);
        memory.add<std::ptrdiff_t>(p.counts.counters);
        memory.add<T>(scratch_entries<T>);
        memory.add<PreparedInstruction<T>>(2 * p.instruction_count);
        memory.add<unsigned char>(p.value_count);
        memory.add<unsigned char>(p.counts.slots);
        StepScalars::reserve(memory, p);
        memory.add<double>(most_sums * most_blocks(p));
        for (Number v = 0; v < p.value_count; ++v)
            if (p.values[v].owner == Owner::arena) memory.add<T>(elements(p, v));
        return memory.bytes();
    }

    // The most blocks of a result with sums.
    static std::size_t most_blocks(const Program& p) {
        std::ptrdiff_t most = 0;
        for (Number n = 0; n < p.instruction_count; ++n) {
            const Instruction& i = p.instructions[n];
            if (i.formula < 0 ||
                p.formulas[i.formula].sum_end == p.formulas[i.formula].sum_begin)
                continue;
            const std::ptrdiff_t rows = p.axes[i.rows], columns = p.axes[i.columns];
            const std::ptrdiff_t count = i.producer == Producer::product
                                             ? Product<T>::blocks_of(rows, columns).count
                                             : pieces(rows, summed_rows(columns));
            if (count > most) most = count;
        }
        return std::size_t(most);
    }

    CHAINRULE_INLINE bool run(const Instruction& i, PreparedInstruction<T>& prepared) {
        return prepared.action ? prepared.action(prepared) : run_without_action(i, prepared);
    }

    // Not inlined, as the following ones: the loop of a step without them stays small.
    [[gnu::noinline]] bool run_without_action(const Instruction& i,
                                              PreparedInstruction<T>& prepared) {
        return producers<T>[i.producer].run(*this, i, prepared);
    }

    // These values and all scalars.
    template <class Use>
    void each_of(const Number* state, Number count, const Use& use) {
        for (Number n = 0; n < count; ++n) use(base[state[n]], elements(p, state[n]) * sizeof(T));
        use(slots, std::size_t(p.counts.slots) * sizeof(double));
    }

    // A step whose large instructions are computed in parts: by several threads, or so that it can
    // be interrupted between them.
    [[gnu::noinline]] bool step_in_parts() {
        Crew crew(threads_);
        crew_ = &crew;
        PreparedInstruction<T>* prepared = prepared_;
        const Instruction* const end = p.instructions + p.instruction_count;
        bool finite = true;
        const bool alone = crew.threads() == 1 && !interrupter_;
        stopped_ = 0;
        checked_ = false;
        for (const Instruction* i = p.instructions; finite && !stopped_ && i != end;
             ++i, ++prepared) {
            if (alone || !run_shared(*i, *prepared)) finite = run(*i, *prepared);
            checked_ = checked_ || i->producer == Producer::check;
        }
        crew_ = nullptr;
        return finite;
    }

    // Runs an instruction on all threads; false: it was not run, and one thread should run it.
    bool run_shared(const Instruction& i, PreparedInstruction<T>& prepared) {
        const ProducerFunctions<T>& functions = producers<T>[i.producer];
        return functions.share && functions.work(i, length) >= least_shared &&
               functions.share(*this, i, prepared);
    }

    const signed char* fused_product_numbers_;
    const FusedProducts<T>* fused_products_;
    Arena arena_;
    int threads_ = 1;
    Crew* crew_ = nullptr;
    PreparedInstruction<T>*prepared_lists_, *prepared_ = nullptr;
    std::ptrdiff_t prepared_samples_[2] = {};
    unsigned char *given_, *changing_;
    StepScalars step_scalars_;
    bool stale_ = true, new_time_ = false;
    const Interrupter* interrupter_ = nullptr;
    unsigned char* stored_ = nullptr;
    int stopped_ = 0;
    bool is_long_ = false, in_parts_ = false, checked_ = false;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
