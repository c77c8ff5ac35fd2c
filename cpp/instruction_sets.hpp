// Which engine runs: the widest instruction set of this processor, or the one that CHAINRULE_ISA
// names. Included by bindings.cpp only.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "program.hpp"

namespace chainrule {
#if defined(__x86_64__)
extern const Engines engines_v2, engines_v3, engines_v4;
#else
extern const Engines engines_native;
#endif
}  // namespace chainrule

namespace {

using namespace chainrule;

// The instruction sets that this processor runs, the widest last.
std::vector<const Engines *> available() {
    std::vector<const Engines *> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    found.push_back(&engines_v2);
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (v3) found.push_back(&engines_v3);
    if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found.push_back(&engines_v4);
#else
    found.push_back(&engines_native);
#endif
    return found;
}

const Engines *chosen = nullptr;

void choose() {
    const auto found = available();
    chosen = found.back();
    const char *const wanted = std::getenv("CHAINRULE_ISA");
    if (!wanted || !*wanted) return;
    std::string names;
    for (const Engines *engines : found) {
        if (std::string(wanted) == engines->name) {
            chosen = engines;
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(engines->name);
    }
    throw std::runtime_error("CHAINRULE_ISA: '" + std::string(wanted) +
                             "' came; this processor and this build run " + names);
}

}  // namespace
