// The check that ends a step where a loss is not finite, before a parameter changes.
#pragma once

#include "../prepared_instruction.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
struct LossCheck {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        prepared.checked[0] = m.slots + i.a;
        prepared.checked[1] = m.slots + i.b;
        prepared.action = run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        return __builtin_isfinite(*prepared.checked[0]) && __builtin_isfinite(*prepared.checked[1]);
    }
    static bool run(Machine<T>&, const Instruction&, PreparedInstruction<T>& prepared) {
        return run_prepared(prepared);
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
