// Generated formulas run by the tape instead of by compiled code, with the same bits: for
// instruction sets and number types for which compiling them takes too long.
#pragma once

#include "prepared_instruction.hpp"
#include "generated/tapes.inc"
#include "tape.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// engine.cpp has the only copy.
extern template void run_tape<float>(Call<float>&, const Step*, const Step*, const double*, bool);
extern template void run_tape<double>(Call<double>&, const Step*, const Step*, const double*, bool);

template <class T, Number formula>
void run_taped(Call<T>& call) {
    run_tape<T>(call, tape_steps + tape_begin[formula], tape_steps + tape_begin[formula + 1],
                tape_constants, true);
}

template <class T, class Numbers>
struct Taped;
template <class T, Number... formulas>
struct Taped<T, std::integer_sequence<Number, formulas...>> {
    static constexpr Kernel<T> table[] = {run_taped<T, formulas>...};
};
template <class T>
constexpr const Kernel<T>* taped =
    Taped<T, std::make_integer_sequence<Number, formula_count>>::table;

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
