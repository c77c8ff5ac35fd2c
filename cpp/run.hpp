// Whole runs: epochs of steps, held-out losses, what is watched, and the way to stop in between.
#pragma once

#include "batches.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// Numbers below the smallest normal one count as zero inside a run: units that have died and
// Adam's averages drift there, where each operation takes a hundred times as long.
class FlushToZero {
public:
#if defined(__x86_64__)
    FlushToZero() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | 0x8040); }
    ~FlushToZero() { __builtin_ia32_ldmxcsr(before_); }
private:
    unsigned before_;
#elif defined(__aarch64__)
    FlushToZero() {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        asm volatile("msr fpcr, %0" : : "r"(before_ | (std::uint64_t{1} << 24)));
    }
    ~FlushToZero() { asm volatile("msr fpcr, %0" : : "r"(before_)); }
private:
    std::uint64_t before_;
#endif
};

// When to look whether somebody wants a run to stop. Ctrl-C is to be answered within 100 ms or one
// step, and reading the clock takes a tenth of the smallest step: it is read every so many steps,
// about fifty times a second.
class Pulse {
public:
    Pulse(const Listener& listener, const Number& epochs_done)
        : listener_(listener), epochs_done_(epochs_done) {
        looked_ = polled_ = listener.seconds();
    }

    // After each step, and after each piece of held-out data. True: stop now.
    bool beat() {
        if (--left_ > 0) return false;
        const double now = listener_.seconds(), passed = now - looked_;
        looked_ = now;
        if (passed < 0.01 && between_ < (Number{1} << 30)) between_ *= 2;
        if (passed > 0.03 && between_ > 1) between_ /= 2;
        left_ = between_;
        return polled(now);
    }

    // Where beats are no measure of the time that has passed.
    bool look() { return polled(listener_.seconds()); }

    bool ends_with_epoch() const { return ends_with_epoch_; }

private:
    bool polled(double now) {
        if (now - polled_ < 0.02) return false;
        polled_ = now;
        const int answer = listener_.poll(listener_.self, epochs_done_);
        ends_with_epoch_ = ends_with_epoch_ || answer == stop_after_epoch;
        return answer == stop_now;
    }

    const Listener& listener_;
    const Number& epochs_done_;
    Number left_ = 1, between_ = 1;
    double looked_, polled_;
    bool ends_with_epoch_ = false;
};

// Copies a value between the arena and an array of the caller.
template <class T>
void copy_out(const Machine<T>& m, Number v, T* to, Number rows_apart, Number columns_apart) {
    const Value& value = m.p.values[v];
    const std::ptrdiff_t rows = m.length[value.rows], columns = m.length[value.columns];
    for (std::ptrdiff_t r = 0; r < rows; ++r)
        for (std::ptrdiff_t c = 0; c < columns; ++c)
            to[r * rows_apart + c * columns_apart] = m.base[v][r * m.stride[v] + c];
}

// The mean loss over held-out data, taken in pieces so that memory stays bounded. False: the pulse
// said stop.
template <class T>
bool held_out_loss(Machine<T>& here, const Course& course, Pulse& pulse, double& loss) {
    Machine<T>& there = *static_cast<Machine<T>*>(course.held);
    for (Number s = 0; s < course.shared_count; ++s) {
        const Number from = course.shared[2 * s], to = course.shared[2 * s + 1];
        if (from < 0) {  // a single number, by its slot
            there.set_scalar(to, here.slots[-1 - from]);
            continue;
        }
        __builtin_memcpy(there.base[to], here.base[from],
                         Machine<T>::elements(here.p, from) * sizeof(T));
    }
    double total = 0.0;
    for (Number first = 0; first < course.held_samples; first += course.held_batch) {
        const Number rest = course.held_samples - first;
        const Number count = rest < course.held_batch ? rest : course.held_batch;
        there.set_batch(count);
        for (Number s = 0; s < course.source_count && course.held_sources[s].data; ++s)
            gather<T>(there, course.held_sources[s], nullptr, first, count);
        there.step();
        total += double(count) * there.slots[there.p.data_loss_slot];
        // A piece of many takes much longer than a small step, after which beats are counted.
        if (rest > count ? pulse.look() : pulse.beat()) return false;
    }
    loss = total / double(course.held_samples);
    return true;
}

// The learning rate of an epoch, divided as often as what is watched has asked for it. Divisions
// one after the other, as scikit-learn does them: their product would round differently.
inline double rate_of(const Course& course, Number epoch) {
    double rate = course.rates ? course.rates[epoch] : course.rate;
    for (Number w = 0; w < course.watch_count; ++w)
        for (double k = 0; k < course.watches[w].reductions; ++k) rate /= course.watches[w].divisor;
    return rate;
}

template <class T>
void keep(const Machine<T>& machine, const Course& course) {
    for (Number k = 0; k < course.kept_count; ++k) {
        const Kept& kept = course.kept[k];
        T* const to = static_cast<T*>(kept.to);
        if (kept.value < 0)
            *to = T(machine.slots[-1 - kept.value]);
        else
            copy_out<T>(machine, kept.value, to, kept.rows_apart, kept.columns_apart);
    }
}

// Looks at what is watched after an epoch (its number counts from 1). True: the run ends.
template <class T>
bool judge(const Machine<T>& machine, const Course& course, const Record& record, Number epoch) {
    bool ends = false;
    for (Number n = 0; n < course.watch_count; ++n) {
        Watch& w = course.watches[n];
        double value = record.held_loss;
        if (w.held_out == 0)
            value = w.data_weight == 1.0
                        ? record.loss
                        : w.data_weight * record.data_loss + (record.loss - record.data_loss);
        w.count = value <= w.best - w.tolerance ? 0.0 : w.count + 1.0;  // NaN is no improvement
        if (value < w.best) {
            w.best = value;
            w.best_epoch = double(epoch);
            if (w.keeps_best != 0) keep<T>(machine, course);
        }
        if (w.count <= w.patience) continue;
        if (w.divisor == 0 || record.rate <= w.smallest_rate) {
            ends = true;
        } else {
            w.reductions += 1.0;
            w.count = 0.0;
        }
    }
    return ends;
}

// Runs epochs from course.first_epoch on. However it ends, the parameters are those after the last
// complete step.
template <class T>
void run_course(Machine<T>& machine, Course& course) {
    const FlushToZero flush;
    Batches<T> batches(machine, course);
    course.ending = interrupted;
    course.epochs_done = course.steps_done = course.batch_number = 0;
    Pulse pulse(course.listener, course.epochs_done);
    double rate = -1.0;
    for (Number e = 0; e < course.epochs; ++e) {
        Record& record = course.records[e];
        record = {0.0, 0.0, 0.0, rate_of(course, e)};
        if (course.rate_slot >= 0 && record.rate != rate)
            machine.set_scalar(course.rate_slot, rate = record.rate);
        course.batch_number = 0;
        if (!batches.begin(course.first_epoch + e, [&] { return pulse.look(); })) return;
        for (Number first = 0; first < course.samples; first += course.batch) {
            const Number rest = course.samples - first;
            const Number count = rest < course.batch ? rest : course.batch;
            machine.set_batch(count);
            if (machine.p.time_slot >= 0)
                machine.set_scalar(machine.p.time_slot,
                                   double(course.first_step + course.steps_done + 1));
            batches.load(course.batch_number++, first, count);
            if (!machine.step()) {
                course.ending = not_finite;
                return;
            }
            ++course.steps_done;
            record.loss += double(count) * machine.slots[machine.p.loss_slot];
            record.data_loss += double(count) * machine.slots[machine.p.data_loss_slot];
            if (pulse.beat()) return;
        }
        record.loss /= double(course.samples);
        record.data_loss /= double(course.samples);
        if (course.held && !held_out_loss<T>(machine, course, pulse, record.held_loss)) return;
        ++course.epochs_done;
        if (judge<T>(machine, course, record, course.first_epoch + e)) {
            course.ending = no_better;
            return;
        }
        if (pulse.ends_with_epoch()) {
            course.ending = asked;
            return;
        }
    }
    course.ending = finished;
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
