// The generated functions of one number type: kernels by the number of the formula, and for the light
// ones among them the number of a finish (null or -1: none). formulas.cpp and finishes.cpp define them,
// apart from the machine: a new formula leaves the finishes as they are.
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
const signed char* finish_numbers();
template <>
const signed char* finish_numbers<float>();
template <>
const signed char* finish_numbers<double>();

template <class T>
const Finished<T>* finishes();
template <>
const Finished<float>* finishes<float>();
template <>
const Finished<double>* finishes<double>();

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
