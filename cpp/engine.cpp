// The machine of one number type (CHAINRULE_NUMBER) for one instruction set.
#include "engine.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template void run_tape<CHAINRULE_NUMBER>(Call<CHAINRULE_NUMBER>&, const Step*, const Step*,
                                         const double*, bool);

extern const Engine CHAINRULE_ENGINE;
constexpr Engine CHAINRULE_ENGINE = Table<CHAINRULE_NUMBER>::engine;

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
