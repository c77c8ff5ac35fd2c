// The choice of the engine: the widest instruction set of this processor, or that in
// CHAINRULE_ISA. Included by bindings.cpp only.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "program.hpp"

namespace chainrule {
#if defined(CHAINRULE_HAS_v2)
extern const Engines engines_v2;
#endif
#if defined(CHAINRULE_HAS_v3)
extern const Engines engines_v3;
#endif
#if defined(CHAINRULE_HAS_v4)
extern const Engines engines_v4;
#endif
#if defined(CHAINRULE_HAS_aarch64)
extern const Engines engines_aarch64;
#endif
}  // namespace chainrule

namespace {

using namespace chainrule;

// The instruction sets of this build that this processor runs, the widest last. The build defines
// CHAINRULE_HAS_... for each engine that it compiles.
std::vector<const Engines *> available() {
    std::vector<const Engines *> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#if defined(CHAINRULE_HAS_v2)
    if (v2) found.push_back(&engines_v2);
#endif
#if defined(CHAINRULE_HAS_v3)
    if (v3) found.push_back(&engines_v3);
#endif
#if defined(CHAINRULE_HAS_v4)
    if (v4) found.push_back(&engines_v4);
#endif
    static_cast<void>(v2 || v3 || v4);  // those that this build does not use
#endif
#if defined(CHAINRULE_HAS_aarch64)
    found.push_back(&engines_aarch64);
#endif
    return found;
}

const Engines *chosen = nullptr;

void choose() {
    const auto found = available();
    if (found.empty())
        throw std::runtime_error(
            "this build of chainrule has no instruction set of this processor; build it with "
            "`pip install . -C cmake.define.CHAINRULE_ISA=native`");
    chosen = found.back();
    const char *const requested = std::getenv("CHAINRULE_ISA");
    if (!requested || !*requested) return;
    std::string names;
    for (const Engines *engines : found) {
        if (std::string(requested) == engines->name) {
            chosen = engines;
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(engines->name);
    }
    throw std::runtime_error("CHAINRULE_ISA must be one of " + names + ", got '" +
                             std::string(requested) + "'");
}

}  // namespace
