// The generated functions of one number type: kernels by the number of the formula, and for light
// formulas the number of a fused product (null or -1: none). formulas.cpp and fused_products.cpp
// define them, separate from the machine: a new formula leaves the fused products unchanged.
#pragma once

#include "fused_products.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
const Kernel<T>* kernels();
template <>
const Kernel<float>* kernels<float>();
template <>
const Kernel<double>* kernels<double>();

template <class T>
const signed char* fused_product_numbers();
template <>
const signed char* fused_product_numbers<float>();
template <>
const signed char* fused_product_numbers<double>();

template <class T>
const FusedProducts<T>* fused_products();
template <>
const FusedProducts<float>* fused_products<float>();
template <>
const FusedProducts<double>* fused_products<double>();

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
