// Whole runs: rows gathered into batches, steps, epochs, held-out losses, and the table of
// functions through which the bindings reach one number type of one instruction set.
#pragma once

#include "generated/formulas.inc"
#include "machine.hpp"
#include "philox.hpp"

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

// Rows of the caller's array as the program wants to read them. `rows` null: first, first + 1, ...
template <class T>
void gather_into(T* to, std::ptrdiff_t stride, const Source& source, const Number* rows,
                 Number first, Number count) {
    const T* const from = static_cast<const T*>(source.data);
    const std::ptrdiff_t width = source.columns;
    for (Number r = 0; r < count; ++r) {
        const T* const row = from + (rows ? rows[first + r] : first + r) * source.row_stride;
        if (source.turned)
            for (std::ptrdiff_t c = 0; c < width; ++c) to[c * stride + r] = row[c];
        else
            __builtin_memcpy(to + r * stride, row, std::size_t(width) * sizeof(T));
    }
    if (source.turned)
        for (std::ptrdiff_t c = 0; c < width; ++c)
            for (Number r = count; r < padded<T>(count); ++r) to[c * stride + r] = T(0);
}

template <class T>
void gather(Machine<T>& machine, const Source& source, const Number* rows, Number first,
            Number count) {
    const Number v = source.value;
    if (machine.p.values[v].owner == given_in_place) {
        // Never written through: the program reads it as the left factor of products only.
        machine.base[v] = const_cast<T*>(static_cast<const T*>(source.data)) +
                          first * source.row_stride;
        machine.stride[v] = source.row_stride;
    } else {
        gather_into<T>(machine.base[v], machine.stride[v], source, rows, first, count);
    }
}

// Batches that come again in every epoch are laid out once where they are small.
constexpr std::size_t largest_layout = std::size_t{8} << 20;

template <class T>
class Batches {
public:
    Batches(Machine<T>& machine, const Course& course)
        : machine_(machine), course_(course), arena_(needed(machine, course)) {
        ready_ = arena_.bytes() > 64;
        order_ = course.shuffled ? arena_.take<Number>(std::size_t(course.samples)) : nullptr;
        if (course.shuffled || !ready_) return;
        for (Number s = 0; s < course.source_count; ++s) {
            const Source& source = course.sources[s];
            if (machine.p.values[source.value].owner != owned_by_arena) continue;
            const std::size_t size = Machine<T>::elements(machine.p, source.value);
            T* const all = arena_.take<T>(size * batches(course));
            first_[s] = all;
            size_[s] = size;
            for (Number b = 0; b < Number(batches(course)); ++b) {
                const Number first = b * course.batch;
                const Number rest = course.samples - first;
                gather_into<T>(all + std::size_t(b) * size, machine.stride[source.value], source,
                               course.order, first, rest < course.batch ? rest : course.batch);
            }
            own_[s] = machine.base[source.value];
        }
    }
    ~Batches() {
        for (Number s = 0; s < course_.source_count; ++s)
            if (first_[s]) machine_.base[course_.sources[s].value] = own_[s];
    }
    Batches(const Batches&) = delete;
    Batches& operator=(const Batches&) = delete;

    void begin(Number epoch) {
        if (!course_.shuffled) return;
        Philox random(course_.seed, (std::uint64_t{2} << 32) | std::uint64_t(epoch));
        shuffle(random, order_, std::uint64_t(course_.samples));
    }

    void load(Number batch, Number first, Number count) {
        for (Number s = 0; s < course_.source_count; ++s) {
            const Source& source = course_.sources[s];
            if (first_[s])
                machine_.base[source.value] = first_[s] + std::size_t(batch) * size_[s];
            else
                gather<T>(machine_, source, order_ ? order_ : course_.order, first, count);
        }
    }

    static constexpr Number most_sources = 8;

private:
    static std::size_t batches(const Course& course) {
        return std::size_t((course.samples + course.batch - 1) / course.batch);
    }
    static std::size_t needed(const Machine<T>& machine, const Course& course) {
        Reservation memory;
        if (course.shuffled) {
            memory.add<Number>(std::size_t(course.samples));
            return memory.bytes();
        }
        for (Number s = 0; s < course.source_count; ++s)
            if (machine.p.values[course.sources[s].value].owner == owned_by_arena)
                memory.add<T>(Machine<T>::elements(machine.p, course.sources[s].value) *
                              batches(course));
        const bool worth = course.epochs > 1 && memory.bytes() <= largest_layout;
        return worth ? memory.bytes() : 0;
    }

    Machine<T>& machine_;
    const Course& course_;
    Arena arena_;
    bool ready_ = false;
    Number* order_ = nullptr;
    T* first_[most_sources] = {};
    T* own_[most_sources] = {};
    std::size_t size_[most_sources] = {};
};

// The mean loss over held-out data, taken in pieces so that memory stays bounded.
template <class T>
double held_out_loss(Machine<T>& here, Machine<T>& there, const Course& course) {
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
    }
    return total / double(course.held_samples);
}

template <class T>
void run_course(Machine<T>& machine, Course& course) {
    const FlushToZero flush;
    Batches<T> batches(machine, course);
    Number until_poll = 1, between = 1;
    double polled = course.listener.seconds();
    course.ending = finished;
    course.epochs_done = course.steps_done = 0;
    for (Number e = 0; e < course.epochs; ++e) {
        batches.begin(course.first_epoch + e);
        double loss = 0.0, data_loss = 0.0;
        for (Number first = 0, batch = 0; first < course.samples; first += course.batch, ++batch) {
            const Number rest = course.samples - first;
            const Number count = rest < course.batch ? rest : course.batch;
            machine.set_batch(count);
            if (machine.p.time_slot >= 0)
                machine.set_scalar(machine.p.time_slot,
                                   double(course.first_step + course.steps_done + 1));
            batches.load(batch, first, count);
            if (!machine.step()) {
                course.ending = not_finite;
                course.batch_number = batch + 1;
                return;
            }
            ++course.steps_done;
            loss += double(count) * machine.slots[machine.p.loss_slot];
            data_loss += double(count) * machine.slots[machine.p.data_loss_slot];
            if (--until_poll == 0) {
                // About fifty looks a second, at the price of one reading of the clock each.
                const double now = course.listener.seconds(), passed = now - polled;
                if (passed < 0.01 && between < (Number{1} << 30)) between *= 2;
                if (passed > 0.04 && between > 1) between /= 2;
                until_poll = between;
                polled = now;
                if (passed > 0.002 && course.listener.poll(course.listener.self)) {
                    course.ending = interrupted;
                    course.batch_number = batch + 1;
                    return;
                }
            }
        }
        course.losses[2 * e] = loss / double(course.samples);
        course.losses[2 * e + 1] = data_loss / double(course.samples);
        if (course.held)
            course.held_losses[e] =
                held_out_loss<T>(machine, *static_cast<Machine<T>*>(course.held), course);
        ++course.epochs_done;
    }
}

// The functions of one number type behind plain pointers.
template <class T>
struct Table {
    using M = Machine<T>;
    static M& of(void* self) { return *static_cast<M*>(self); }

    static void* create(const Program& program) {
        return new M(program, Kernels<T>::table, Kernels<T>::finished);
    }
    static void destroy(void* self) { delete static_cast<M*>(self); }
    static Number bytes(void* self) { return Number(of(self).bytes()); }
    static void write(void* self, Number v, const void* from, Number rows_apart,
                      Number columns_apart) {
        M& m = of(self);
        const T* const source = static_cast<const T*>(from);
        const Value& value = m.p.values[v];
        for (std::ptrdiff_t r = 0; r < m.length[value.rows]; ++r)
            for (std::ptrdiff_t c = 0; c < m.length[value.columns]; ++c)
                m.base[v][r * m.stride[v] + c] = source[r * rows_apart + c * columns_apart];
    }
    static void read(void* self, Number v, void* to, Number rows_apart, Number columns_apart) {
        const M& m = of(self);
        T* const target = static_cast<T*>(to);
        const Value& value = m.p.values[v];
        for (std::ptrdiff_t r = 0; r < m.length[value.rows]; ++r)
            for (std::ptrdiff_t c = 0; c < m.length[value.columns]; ++c)
                target[r * rows_apart + c * columns_apart] = m.base[v][r * m.stride[v] + c];
    }
    static void set_scalar(void* self, Number slot, double value) {
        of(self).set_scalar(slot, value);
    }
    static void set_threads(void* self, Number threads) { of(self).set_threads(threads); }
    static double get_scalar(void* self, Number slot) { return of(self).slots[slot]; }
    static void set_batch(void* self, Number samples) { of(self).set_batch(samples); }
    static void gather_rows(void* self, const Source& source, const Number* rows, Number first,
                            Number count) {
        gather<T>(of(self), source, rows, first, count);
    }
    static int step(void* self) {
        const FlushToZero flush;
        return of(self).step();
    }
    static void run(void* self, Course& course) { run_course<T>(of(self), course); }

    static constexpr Engine engine = {lanes<T>,   create,    destroy,     bytes,      write,
                                      read,       set_scalar, get_scalar, set_threads, set_batch,
                                      gather_rows, step,      run};
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
