#!/bin/sh
# No weak symbol may leave a source file compiled for one instruction set unless its name bears
# that set's namespace: the linker would keep one copy for all of them (isa.hpp).
#
#   cpp/tests/symbols.sh [COMPILER]
#
# Compiled without optimization, so that every inline function that is used leaves a symbol.
set -eu
compiler=${1:-g++}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/all.cpp" <<'SOURCE'
#include "arena.hpp"
#include "matmul.hpp"
#include "mt19937.hpp"
#include "narrow.hpp"
#include "philox.hpp"
#include "pool.hpp"
#include "primitives.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {
template <class T>
T use(T* a) {
    Reservation size;
    size.add<T>(8);
    Arena arena(size.bytes());
    T* b = arena.take<T>(8);
    Philox random(1, 2);
    shuffle(random, b, 8);
    std::uint32_t words[625] = {};
    MersenneTwister twister(words);
    shuffle(twister, b, 8, [] { return false; });
    multiply<T, Along::depth>({0, 9, 0, 9}, 3, {a, 64}, {a, 64}, a, Store<T>{a, 64}, {a, 64});
    multiply<T, Along::rows>({0, 9, 0, 9}, 3, {a, 64}, {a, 64}, nullptr, Store<T>{a, 64});
    column_sums<T>(3, 0, 9, a, 64,
                   [&](std::ptrdiff_t, std::ptrdiff_t, Vec<T> s, Ints<T>) { store<T>(a, s); });
    row_sums<T>(9, 3, a, 64,
                [&](std::ptrdiff_t, std::ptrdiff_t, Vec<T> s, Ints<T>) { store<T>(a, s); });
    forward_narrow<T>(0, 9, 1, 9, a, 64, a, 64, a,
                      [&](std::ptrdiff_t, std::ptrdiff_t, Vec<T> s, Ints<T>) { store<T>(a, s); });
    transpose<T>(9, 0, 9, a, 64, a + 4096, 64);
    Crew(2).share(3, [&](std::ptrdiff_t part, int) { a[part] = T(part); });
    Vec<T> x = load_first<T>(a, 1);
    x = exp<T>(x) + expm1<T>(x) + log<T>(x) + log1p<T>(x) + tanh<T>(x) + sigmoid<T>(x);
    x = maximum<T>(minimum<T>(erf<T>(x), sqrt<T>(x)), sign<T>(abs<T>(x)));
    x = sin<T>(x) + cos<T>(x);
    store_first<T>(a, keep_first<T>(x, 2), 1);
    return sum_lanes<T>(x) + largest_lane<T>(x) + smallest_lane<T>(x);
}
template float use<float>(float*);
template double use<double>(double*);
}
}
SOURCE

case $($compiler -dumpmachine) in
    x86_64*) targets="x86-64-v2 x86-64-v3 x86-64-v4" ;;
    *) targets="armv8-a" ;;
esac
status=0
for target in $targets; do
    for level in -O0 -O3; do
        $compiler -std=c++20 $level -march="$target" -ffp-contract=off -I "$here/.." \
            -DCHAINRULE_ISA_NAMESPACE=only_here -c "$work/all.cpp" -o "$work/all.o"
        # V, W, u: weak and unique symbols. DW.ref.__gxx_personality_v0 is a pointer to the
        # runtime's own function and the same in every object.
        leaks=$(nm "$work/all.o" | grep -E ' [VvWwu] ' | grep -v only_here |
            grep -v DW.ref.__gxx_personality_v0 || true)
        if [ -n "$leaks" ]; then
            echo "$target $level: symbols outside the namespace:" >&2
            echo "$leaks" | c++filt >&2
            status=1
        fi
    done
    echo "$target: symbols checked"
done
exit $status
