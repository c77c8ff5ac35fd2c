// Scalars that follow from the number of the step, against libm's power.
#include "step_scalars.hpp"

#include <cmath>
#include <cstring>

#include "check.hpp"

#define CHECK(condition) check::expect(condition, #condition)

using namespace chainrule;

namespace {

// Adam's: α / (1 - βᵗ). Slots: β, α, t, 1, βᵗ, 1 - βᵗ, the step, and α + 1, which does not change.
enum : Number { beta, rate, time_of, one, power, rest, step_size, steady, slot_count };
const Step code[] = {
    {Operation::power, power, beta, time_of, 0},
    {Operation::subtract, rest, one, power, 0},
    {Operation::add, steady, rate, one, 0},
    {Operation::divide, step_size, rate, rest, 0},
};

struct Fixture {
    Program p{};
    Arena arena;
    StepScalars step_scalars;
    unsigned char changing[slot_count] = {};
    double slots[slot_count] = {0.999, 0.5, 0, 1};

    static std::size_t bytes(const Program& p) {
        Reservation memory;
        StepScalars::reserve(memory, p);
        return memory.bytes();
    }
    static Program program() {
        Program p{};
        p.scalar_code = code;
        p.counts.prelude_steps = 4;
        p.counts.time_slot = time_of;
        return p;
    }
    Fixture() : p(program()), arena(bytes(p)) { step_scalars.find(arena, p, changing); }
    double at(double t) {
        slots[time_of] = t;
        step_scalars.write(slots);
        return slots[step_size];
    }
};

}  // namespace

int main() {
    Fixture run;
    CHECK(run.changing[time_of] && run.changing[power] && run.changing[rest] &&
          run.changing[step_size]);
    CHECK(!run.changing[beta] && !run.changing[rate]);
    CHECK(!run.changing[one] && !run.changing[steady]);

    run.at(1);
    CHECK(run.slots[power] == 0.999 && run.slots[rest] == 1 - 0.999);
    bool close = true, same = true;
    for (int t = 1; t < 20000; ++t) {
        const double size = run.at(t), exact = std::pow(0.999, t);
        close = close && std::fabs(run.slots[power] - exact) <= 8 * 0x1p-53 * exact &&
                size == 0.5 / run.slots[rest] && run.slots[rest] == 1 - run.slots[power];
        if (t % 17 == 0) {  // reached in one step
            Fixture direct;
            const double alone = direct.at(t);
            same = same && std::memcmp(&alone, &size, sizeof size) == 0;
        }
    }
    CHECK(close);
    CHECK(same);
    CHECK(run.slots[steady] == 0);  // it does not depend on the step

    const double before = run.at(100);
    run.slots[rate] = 0.25;
    run.step_scalars.discard_outdated(run.slots);
    CHECK(run.at(100) == before / 2);
    run.slots[beta] = 0.5;
    run.step_scalars.discard_outdated(run.slots);
    CHECK(run.at(3) == 0.25 / 0.875);
    return check::finish("step_scalars");
}
