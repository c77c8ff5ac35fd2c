// Scalars that follow from the number of the step, such as Adam's corrections 1 - βᵗ.
//
// They are computed for eight steps at once: a few independent divisions and powers take little
// longer than those of one step, in which each waits for the one before. A step's values depend on
// its number only, not on the first step of a run.
#pragma once

#include "arena.hpp"
#include "program.hpp"
#include "scalar.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

class StepScalars {
public:
    static constexpr std::int64_t steps_at_once = 8;

    static void reserve(Reservation& memory, const Program& p) {
        memory.add<Line>(p.counts.prelude_steps);
        memory.add<double>(steps_at_once * p.counts.prelude_steps);
    }

    // Finds the lines of the prelude that depend on the number of the step. `changing` has a flag
    // for each scalar; those of the results are set here.
    void find(Arena& arena, const Program& p, unsigned char* changing) {
        lines_ = arena.take<Line>(p.counts.prelude_steps);
        values_ = arena.take<double>(steps_at_once * p.counts.prelude_steps);
        slot_ = p.counts.time_slot;
        if (slot_ < 0) return;
        changing[slot_] = 1;
        for (const Step* s = p.scalar_code; s != p.scalar_code + p.counts.prelude_steps; ++s) {
            if (s->operation <= Operation::sum) continue;
            if (!changing[s->x] && !changing[s->y] && !changing[s->z]) continue;
            const Line line = {*s, {row(s->x), row(s->y), row(s->z)}, {}};
            lines_[count_++] = line;
            changing[s->target] = 1;
        }
    }

    // After scalars were set: discards what was computed if one that it depends on has changed.
    void discard_outdated(const double* slots) {
        for (Number n = 0; n < count_; ++n)
            for (int s = 0; s < 3; ++s)
                if (lines_[n].rows[s] == fixed && slots[lines_[n].source(s)] != lines_[n].from[s])
                    first_ = -1;
    }

    // Writes the values of the step whose number is in its slot.
    void write(double* slots) {
        if (count_ == 0) return;
        const std::int64_t step = std::int64_t(slots[slot_]), index = step % steps_at_once;
        if (step - index != first_) compute(slots, step - index);
        for (Number n = 0; n < count_; ++n)
            slots[lines_[n].code.target] = values_[n * steps_at_once + index];
    }

private:
    struct Line {
        Step code;
        Number rows[3];  // the line that computes each source, or one of the two below
        double from[3];  // the sources that are fixed, when they were last read
        Number source(int s) const { return s == 0 ? code.x : s == 1 ? code.y : code.z; }
    };
    static constexpr Number fixed = -1, time = -2;

    Number row(Number slot) const {
        if (slot == slot_) return time;
        for (Number n = 0; n < count_; ++n)
            if (lines_[n].code.target == slot) return n;
        return fixed;
    }

    void compute(const double* slots, std::int64_t first) {
        first_ = first;
        for (Number n = 0; n < count_; ++n) {
            Line& line = lines_[n];
            double* const to = values_ + n * steps_at_once;
            double from[3][steps_at_once];
            for (int s = 0; s < 3; ++s) {
                if (line.rows[s] == fixed) line.from[s] = slots[line.source(s)];
                for (std::int64_t k = 0; k < steps_at_once; ++k)
                    from[s][k] = line.rows[s] == fixed  ? line.from[s]
                                 : line.rows[s] == time ? double(first + k)
                                                        : values_[line.rows[s] * steps_at_once + k];
            }
            if (line.code.operation == Operation::power && line.rows[0] == fixed &&
                line.rows[1] == time) {
                // One power and products: xᵗ, xᵗ x, xᵗ x x, ...; x¹ is x.
                to[0] = __builtin_pow(line.from[0], double(first));
                for (std::int64_t k = 1; k < steps_at_once; ++k) to[k] = to[k - 1] * line.from[0];
                continue;
            }
            for (std::int64_t k = 0; k < steps_at_once; ++k)
                to[k] = scalar_operation(line.code.operation, from[0][k], from[1][k], from[2][k]);
        }
    }

    Line* lines_ = nullptr;
    double* values_ = nullptr;  // `steps_at_once` of each line
    Number count_ = 0, slot_ = -1;
    std::int64_t first_ = -1;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
