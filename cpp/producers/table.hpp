// All producers, by the numbers of the generated enumeration.
#pragma once

#include "dot.hpp"
#include "entrywise.hpp"
#include "largest.hpp"
#include "lookup.hpp"
#include "loops.hpp"
#include "loss_check.hpp"
#include "product.hpp"
#include "random_values.hpp"
#include "scalar_code.hpp"
#include "totals.hpp"
#include "transposition.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

template <class T, template <class> class Functions>
constexpr ProducerFunctions<T> functions_of() {
    if constexpr (requires { &Functions<T>::share; })
        return {Functions<T>::work, Functions<T>::prepare, Functions<T>::run, Functions<T>::share};
    else
        return {Functions<T>::work, Functions<T>::prepare, Functions<T>::run, nullptr};
}

constexpr int producer_count = int(Producer::sum_by_code) + 1;

template <class T>
struct ProducerTable {
    ProducerFunctions<T> functions[producer_count] = {};
    constexpr ProducerTable() {
        set(Producer::nothing, functions_of<T, Entrywise>());
        set(Producer::product, functions_of<T, Product>());
        set(Producer::dot, functions_of<T, Dot>());
        set(Producer::total_of_rows, functions_of<T, TotalOfRows>());
        set(Producer::total_of_columns, functions_of<T, TotalOfColumns>());
        set(Producer::largest_of_rows, functions_of<T, LargestOfRows>());
        set(Producer::largest_of_columns, functions_of<T, LargestOfColumns>());
        set(Producer::transposition, functions_of<T, Transposition>());
        set(Producer::scalars, functions_of<T, ScalarCode>());
        set(Producer::check, functions_of<T, LossCheck>());
        set(Producer::loops, functions_of<T, LoopedCode>());
        set(Producer::mask, functions_of<T, Mask>());
        set(Producer::noise, functions_of<T, Noise>());
        set(Producer::lookup, functions_of<T, Lookup>());
        set(Producer::sum_by_code, functions_of<T, SumByCode>());
    }
    const ProducerFunctions<T>& operator[](Producer producer) const {
        if (Number(producer) < 0 || Number(producer) >= producer_count) __builtin_trap();
        return functions[Number(producer)];
    }

private:
    constexpr void set(Producer producer, ProducerFunctions<T> of) {
        functions[Number(producer)] = of;
    }
};

template <class T>
constexpr ProducerTable<T> producers{};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
