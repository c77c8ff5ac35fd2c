// The kernels of one number type (CHAINRULE_NUMBER) for one instruction set. With CHAINRULE_TAPED
// all of them run by the tape: a small unit for an instruction set that few processors need.
#include "kernels.hpp"
#include "taped.hpp"

#if !defined(CHAINRULE_TAPED)
#include "generated/formulas.inc"
#endif

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <>
const Kernel<CHAINRULE_NUMBER>* kernels<CHAINRULE_NUMBER>() {
#if defined(CHAINRULE_TAPED)
    return taped<CHAINRULE_NUMBER>;
#else
    return Kernels<CHAINRULE_NUMBER>::table;
#endif
}

template <>
const signed char* fused_product_numbers<CHAINRULE_NUMBER>() {
#if defined(CHAINRULE_TAPED)
    return nullptr;
#else
    return fused_product_number;
#endif
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
