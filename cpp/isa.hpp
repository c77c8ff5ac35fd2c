// Which instruction set this translation unit is compiled for, and the namespace that keeps it
// apart from the others.
//
// The same source is compiled once per instruction set and all results are linked into one
// module. The linker keeps a single copy of every inline function it sees under one name, so a
// function compiled for AVX-512 must never share its name with one compiled for SSE. Two rules
// ensure it:
//   1. everything in these headers is in the inline namespace CHAINRULE_ISA_NAMESPACE, which
//      is part of each symbol's name (templates over these functions' types carry it too);
//   2. they call no inline function of the standard library: types, constants, compiler builtins
//      and functions that are in the library's own binary only (operator new).
// tests/symbols.sh compiles each header without optimization and fails on a weak symbol that does
// not bear the namespace.
//
// Compile with -ffp-contract=off. Every fused multiply-add is written as fma(); a compiler that
// fuses others by itself may do so in one tile and not in the next, and a row's bits would depend
// on its position in the batch. tests/vectors.cpp fails without the option.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__FAST_MATH__)
#error "NaN, infinities and the order of sums are part of the contract: no -ffast-math here"
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define CHAINRULE_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define CHAINRULE_AVX2 1
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define CHAINRULE_NEON 1
#elif !defined(__SSE4_2__)
#error "expected -march=x86-64-v2, -v3, -v4 or aarch64"
#endif

// The build names the namespace per source file; without a name it follows the target.
#if !defined(CHAINRULE_ISA_NAMESPACE)
#if defined(CHAINRULE_AVX512)
#define CHAINRULE_ISA_NAMESPACE x86_64_v4
#elif defined(CHAINRULE_AVX2)
#define CHAINRULE_ISA_NAMESPACE x86_64_v3
#elif defined(CHAINRULE_NEON)
#define CHAINRULE_ISA_NAMESPACE aarch64
#else
#define CHAINRULE_ISA_NAMESPACE x86_64_v2
#endif
#endif

#define CHAINRULE_INLINE [[gnu::always_inline]] inline
