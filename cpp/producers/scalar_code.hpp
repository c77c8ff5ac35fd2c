// Arithmetic on single numbers, in double whatever the type of the matrices. One thread runs it.
#pragma once

#include "../prepared_instruction.hpp"
#include "../scalar.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
void run_scalar_code(Machine<T>& m, const Step* begin, const Step* end) {
    double* const slots = m.slots;
    for (const Step* s = begin; s != end; ++s) {
        const bool reads = s->operation > Operation::sum;  // the others' sources are no slots
        const double x = slots[reads ? s->x : 0], y = slots[s->y], z = slots[s->z];
        double& to = slots[s->target];
        switch (s->operation) {
        case Operation::operand: to = double(*m.base[s->x]); break;
        case Operation::constant: to = m.p.constants[s->x]; break;
        default: to = scalar_operation(s->operation, x, y, z);
        }
    }
}

template <class T>
struct ScalarCode {
    static double work(const Instruction&, const std::ptrdiff_t*) { return 0.0; }
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        prepared.machine = &m;
        prepared.code = m.p.scalar_code + i.a;
        prepared.code_end = m.p.scalar_code + i.b;
        prepared.action = run_prepared;
    }
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        run_scalar_code(*static_cast<Machine<T>*>(prepared.machine), prepared.code,
                        prepared.code_end);
        return true;
    }
    static bool run(Machine<T>&, const Instruction&, PreparedInstruction<T>& prepared) {
        return run_prepared(prepared);
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
