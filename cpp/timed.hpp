// Scalars that follow from the number of the step, such as Adam's corrections 1 - βᵗ.
//
// They are computed for eight steps at once: side by side a few divisions and powers take little
// longer than one step's alone, in which each waits for the one before. A step's values depend on
// its number only, not on where a run began.
#pragma once

#include "arena.hpp"
#include "program.hpp"
#include "scalar.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

class Timed {
public:
    static constexpr std::int64_t together = 8;

    static void reserve(Reservation& memory, const Program& p) {
        memory.add<Line>(p.prelude_count);
        memory.add<double>(together * p.prelude_count);
    }

    // The lines of the prelude that rest on the number of the step; `changing`, of all scalars,
    // says of which it is known, and learns of what they make.
    void find(Arena& arena, const Program& p, unsigned char* changing) {
        lines_ = arena.take<Line>(p.prelude_count);
        values_ = arena.take<double>(together * p.prelude_count);
        slot_ = p.time_slot;
        if (slot_ < 0) return;
        changing[slot_] = 1;
        for (const Step* s = p.scalar_code; s != p.scalar_code + p.prelude_count; ++s) {
            if (s->operation <= op_sum) continue;
            if (!changing[s->x] && !changing[s->y] && !changing[s->z]) continue;
            const Line line = {*s, {row(s->x), row(s->y), row(s->z)}, {}};
            lines_[count_++] = line;
            changing[s->target] = 1;
        }
    }

    // Scalars have been set: what was computed holds where those it came from are the same.
    void settle(const double* slots) {
        for (Number n = 0; n < count_; ++n)
            for (int s = 0; s < 3; ++s)
                if (lines_[n].rows[s] == fixed && slots[lines_[n].source(s)] != lines_[n].from[s])
                    first_ = -1;
    }

    // Writes what belongs to the step whose number stands in its slot.
    void tell(double* slots) {
        if (count_ == 0) return;
        const std::int64_t step = std::int64_t(slots[slot_]), place = step % together;
        if (step - place != first_) compute(slots, step - place);
        for (Number n = 0; n < count_; ++n)
            slots[lines_[n].code.target] = values_[n * together + place];
    }

private:
    struct Line {
        Step code;
        Number rows[3];  // which line makes each source, or one of the two below
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
            double* const to = values_ + n * together;
            double from[3][together];
            for (int s = 0; s < 3; ++s) {
                if (line.rows[s] == fixed) line.from[s] = slots[line.source(s)];
                for (std::int64_t k = 0; k < together; ++k)
                    from[s][k] = line.rows[s] == fixed  ? line.from[s]
                                 : line.rows[s] == time ? double(first + k)
                                                        : values_[line.rows[s] * together + k];
            }
            if (line.code.operation == op_power && line.rows[0] == fixed && line.rows[1] == time) {
                // One power and products: xᵗ, xᵗ x, xᵗ x x, ...; x¹ is x.
                to[0] = __builtin_pow(line.from[0], double(first));
                for (std::int64_t k = 1; k < together; ++k) to[k] = to[k - 1] * line.from[0];
                continue;
            }
            for (std::int64_t k = 0; k < together; ++k)
                to[k] = scalar_operation(line.code.operation, from[0][k], from[1][k], from[2][k]);
        }
    }

    Line* lines_ = nullptr;
    double* values_ = nullptr;  // `together` of each line
    Number count_ = 0, slot_ = -1;
    std::int64_t first_ = -1;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
