// The fused products of one number type (CHAINRULE_NUMBER) for one instruction set. With
// CHAINRULE_TAPED there are none: a product is stored and its formula applied afterwards, with the
// same bits.
#include "kernels.hpp"

#if !defined(CHAINRULE_TAPED)
#include "generated/fused_products.inc"
#endif

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <>
const FusedProducts<CHAINRULE_NUMBER>* fused_products<CHAINRULE_NUMBER>() {
#if defined(CHAINRULE_TAPED)
    return nullptr;
#else
    return FusedProductTable<CHAINRULE_NUMBER>::table;
#endif
}

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
