# For scripts that compile the core: how, and for which instruction sets this machine can run it.
# shellcheck shell=bash disable=SC2034

compiler=${CXX:-c++}
# Products and sums are fused where the source says so and nowhere else (cpp/isa.hpp).
strict=(-std=c++20 -ffp-contract=off -Wall -Wextra -Werror)

# The compiler flags of each set that this machine runs, narrowest first, one line each.
supported_flags() {
    if [ "$(uname -m)" != x86_64 ]; then
        echo "-O2"
        return
    fi
    local known
    known=$(grep -m 1 '^flags' /proc/cpuinfo 2>/dev/null || true)
    echo "-march=x86-64-v2"
    case $known in *avx2*fma* | *fma*avx2*) echo "-march=x86-64-v3" ;; esac
    case $known in *avx512f*avx512dq*avx512bw*avx512vl*) echo "-march=x86-64-v4" ;; esac
}
