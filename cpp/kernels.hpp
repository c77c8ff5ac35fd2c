// The generated functions of one number type, as tables by the number of the formula. formulas.cpp
// and finishes.cpp define them, apart from the machine: what is compiled anew after a change of one
// of them does not include the others.
#pragma once

#include "finish.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T>
const Kernel<T>* kernels();
template <>
const Kernel<float>* kernels<float>();
template <>
const Kernel<double>* kernels<double>();

template <class T>
const Finished<T>* finishes();
template <>
const Finished<float>* finishes<float>();
template <>
const Finished<double>* finishes<double>();

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
