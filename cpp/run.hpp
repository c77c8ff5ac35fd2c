// Whole runs: epochs of steps, held-out losses, early stopping, and interruptions.
#pragma once

#include "batches.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// Numbers below the smallest normal one count as zero inside a run: units that have died and
// Adam's averages drift there, where each operation takes a hundred times as long.
class FlushToZero {
public:
    FlushToZero() : before_(mode()) { flush(); }
    ~FlushToZero() { set(before_); }
    FlushToZero(const FlushToZero&) = delete;
    FlushToZero& operator=(const FlushToZero&) = delete;

    // The caller's own mode, for the time in which its code runs.
    void pause() const { set(before_); }
    void flush() const { set(before_ | bits); }

private:
#if defined(__x86_64__)
    using Mode = unsigned;
    static constexpr Mode bits = 0x8040;
    static Mode mode() { return __builtin_ia32_stmxcsr(); }
    static void set(Mode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
    using Mode = std::uint64_t;
    static constexpr Mode bits = Mode{1} << 24;
    static Mode mode() {
        Mode found;
        asm volatile("mrs %0, fpcr" : "=r"(found));
        return found;
    }
    static void set(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#endif
    Mode before_;
};

// When to check whether a run is to stop. Ctrl-C must take effect within 100 ms or one step, and
// reading the clock takes a tenth of the smallest step: the number of steps between two readings is
// adapted to about fifty readings a second.
class Pulse {
public:
    Pulse(const Listener& listener, const Number& epochs_done, const FlushToZero& mode)
        : listener_(listener), epochs_done_(epochs_done), mode_(mode) {
        read_ = polled_ = listener.seconds();
    }

    // After each step, and after each piece of held-out data. True: stop now.
    bool beat() {
        if (--left_ > 0) return false;
        const double now = listener_.seconds(), passed = now - read_;
        read_ = now;
        if (passed < 0.01 && between_ < (Number{1} << 30)) between_ *= 2;
        if (passed > 0.03 && between_ > 1) between_ /= 2;
        left_ = between_;
        return polled(now);
    }

    // Reads the clock in any case: where the number of beats is no measure of time.
    bool check() { return polled(listener_.seconds()); }

    bool ends_with_epoch() const { return ends_with_epoch_; }

private:
    bool polled(double now) {
        if (now - polled_ < 0.02) return false;
        polled_ = now;
        mode_.pause();
        const int answer = listener_.poll(listener_.self, epochs_done_);
        mode_.flush();
        ends_with_epoch_ = ends_with_epoch_ || answer == stop_after_epoch;
        return answer == stop_now;
    }

    const Listener& listener_;
    const Number& epochs_done_;
    const FlushToZero& mode_;
    Number left_ = 1, between_ = 1;
    double read_, polled_;
    bool ends_with_epoch_ = false;
};

// Lets the long steps of a machine be interrupted, for as long as it exists.
template <class T>
class Interruptible {
public:
    Interruptible(Machine<T>& machine, Pulse& pulse)
        : machine_(machine),
          interrupter_{[](void* self) { return static_cast<Pulse*>(self)->check(); }, &pulse} {
        machine.set_interrupter(&interrupter_);
    }
    ~Interruptible() { machine_.set_interrupter(nullptr); }
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

private:
    Machine<T>& machine_;
    const Interrupter interrupter_;
};

// Copies a value between the arena and an array of the caller.
template <class T>
void copy_out(const Machine<T>& m, Number v, T* to, Number row_stride, Number column_stride) {
    const ValueRow& value = m.p.values[v];
    const std::ptrdiff_t rows = m.length[value.rows], columns = m.length[value.columns];
    for (std::ptrdiff_t r = 0; r < rows; ++r)
        for (std::ptrdiff_t c = 0; c < columns; ++c)
            to[r * row_stride + c * column_stride] = m.base[v][r * m.stride[v] + c];
}

// The weight of a piece of the held-out data: the sum of the rows' weights, or their number.
template <class T>
double held_weight(const RunArguments& arguments, Number first, Number count) {
    if (!arguments.held_weights) return double(count);
    const Source& source = *arguments.held_weights;
    double sum = 0.0;
    for (Number row = first; row < first + count; ++row)
        sum += double(static_cast<const T*>(source.data)[row * source.row_stride]);
    return sum;
}

// The mean loss over held-out data, weighted where they have weights, taken in pieces so that memory stays bounded. False: the
// run is to stop.
template <class T>
bool held_out_loss(Machine<T>& here, const RunArguments& arguments, Pulse& pulse, double& loss) {
    Machine<T>& there = *static_cast<Machine<T>*>(arguments.held);
    for (Number s = 0; s < arguments.shared_count; ++s) {
        const Number from = arguments.shared[2 * s], to = arguments.shared[2 * s + 1];
        if (from < 0) {  // a single number, by its slot
            there.set_scalar(to, here.slots[-1 - from]);
            continue;
        }
        __builtin_memcpy(there.base[to], here.base[from],
                         Machine<T>::elements(here.p, from) * sizeof(T));
    }
    const Interruptible<T> interruptible(there, pulse);
    double total = 0.0, whole = 0.0;
    for (Number first = 0; first < arguments.held_samples; first += arguments.held_batch) {
        const Number rest = arguments.held_samples - first;
        const Number count = rest < arguments.held_batch ? rest : arguments.held_batch;
        there.set_batch(count);
        for (Number s = 0; s < arguments.held_source_count; ++s)
            gather<T>(there, arguments.held_sources[s], nullptr, first, count);
        there.step();
        if (there.stopped()) return false;
        const double weight = held_weight<T>(arguments, first, count);
        // The loss of a piece without weight is 0 / 0.
        if (weight > 0) total += weight * there.slots[there.p.counts.data_loss_slot];
        whole += weight;
        // A piece of many takes much longer than a small step, after which beats are counted.
        if (rest > count ? pulse.check() : pulse.beat()) return false;
    }
    loss = total / whole;
    return true;
}

// The learning rate of an epoch after all reductions. Divisions one after the other, as in
// scikit-learn: their product would round differently.
inline double rate_of(const RunArguments& arguments, Number epoch) {
    double rate = arguments.rates ? arguments.rates[epoch] : arguments.rate;
    for (Number w = 0; w < arguments.rule_count; ++w)
        for (double k = 0; k < arguments.rules[w].reductions; ++k)
            rate /= arguments.rules[w].divisor;
    return rate;
}

template <class T>
void store_best(const Machine<T>& machine, const RunArguments& arguments) {
    for (Number k = 0; k < arguments.best_count; ++k) {
        const ParameterCopy& copy = arguments.best[k];
        T* const to = static_cast<T*>(copy.to);
        if (copy.value < 0)
            *to = T(machine.slots[-1 - copy.value]);
        else
            copy_out<T>(machine, copy.value, to, copy.row_stride, copy.column_stride);
    }
}

// Applies the rules of early stopping after an epoch (numbered from 1). True: the run ends.
template <class T>
bool ends_after(const Machine<T>& machine, const RunArguments& arguments, const EpochRow& record,
                Number epoch) {
    bool ends = false;
    for (Number n = 0; n < arguments.rule_count; ++n) {
        StoppingRow& rule = arguments.rules[n];
        double value = record.held_loss;
        if (rule.held_out == 0)
            value = rule.data_weight == 1.0
                        ? record.loss
                        : rule.data_weight * record.data_loss + (record.loss - record.data_loss);
        const bool improved = value <= rule.best - rule.tolerance;  // NaN is no improvement
        rule.not_improved = improved ? 0.0 : rule.not_improved + 1.0;
        if (value < rule.best) {
            rule.best = value;
            rule.best_epoch = double(epoch);
            if (rule.restores_best != 0) store_best<T>(machine, arguments);
        }
        if (rule.not_improved <= rule.patience) continue;
        if (rule.divisor == 0 || record.rate <= rule.smallest_rate) {
            ends = true;
        } else {
            rule.reductions += 1.0;
            rule.not_improved = 0.0;
        }
    }
    return ends;
}

// Runs epochs from arguments.first_epoch on. At the end, for any reason, the parameters are those
// after the last complete step.
template <class T>
void run_epochs(Machine<T>& machine, RunArguments& arguments) {
    const FlushToZero flush;
    Batches<T> batches(machine, arguments);
    arguments.ending = RunEnding::interrupted;
    arguments.epochs_done = arguments.steps_done = arguments.batch_number = 0;
    Pulse pulse(arguments.listener, arguments.epochs_done, flush);
    const Interruptible<T> interruptible(machine, pulse);
    double rate = -1.0;
    for (Number e = 0; e < arguments.epochs; ++e) {
        EpochRow& record = arguments.records[e];
        record = {0.0, 0.0, 0.0, rate_of(arguments, e)};
        if (arguments.rate_slot >= 0 && record.rate != rate)
            machine.set_scalar(arguments.rate_slot, rate = record.rate);
        arguments.batch_number = 0;
        if (!batches.begin(arguments.first_epoch + e, [&] { return pulse.check(); })) return;
        for (Number first = 0; first < arguments.samples; first += arguments.batch) {
            const Number rest = arguments.samples - first;
            const Number count = rest < arguments.batch ? rest : arguments.batch;
            machine.set_batch(count);
            const Number step = arguments.first_step + arguments.steps_done + 1;
            machine.set_draws(arguments.draws_seed, step);
            if (machine.p.counts.time_slot >= 0)
                machine.set_scalar(machine.p.counts.time_slot, double(step));
            batches.load(arguments.batch_number++, first, count);
            if (machine.is_interruptible())
                machine.store(arguments.state, arguments.state_count);
            const bool finite = machine.step();
            if (machine.stopped()) {
                machine.restore(arguments.state, arguments.state_count);
                return;
            }
            if (!finite) {
                arguments.ending = RunEnding::not_finite;
                return;
            }
            ++arguments.steps_done;
            record.loss += double(count) * machine.slots[machine.p.counts.loss_slot];
            record.data_loss += double(count) * machine.slots[machine.p.counts.data_loss_slot];
            if (pulse.beat()) return;
        }
        record.loss /= double(arguments.samples);
        record.data_loss /= double(arguments.samples);
        if (arguments.held && !held_out_loss<T>(machine, arguments, pulse, record.held_loss))
            return;
        ++arguments.epochs_done;
        if (ends_after<T>(machine, arguments, record, arguments.first_epoch + e)) {
            arguments.ending = RunEnding::not_improved;
            return;
        }
        if (pulse.ends_with_epoch()) {
            arguments.ending = RunEnding::requested;
            return;
        }
    }
    arguments.ending = RunEnding::finished;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
