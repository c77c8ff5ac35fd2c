# For scripts that compile the core: how, for which instruction sets this machine can run it, and
# several at once.
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

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
# OMP_NUM_THREADS would count as the number of processors.
processors=$(env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 1)

# attempt LABEL COMMAND...: runs a command in the background as soon as a processor is free. What
# it says is shown when it is done, in one piece, with whether it passed.
attempt() {
    while [ "$(jobs -rp | wc -l)" -ge "$processors" ]; do
        wait -n || true
    done
    {
        label=$1
        shift
        said=$("$@" 2>&1) && verdict=passed || verdict=FAILED
        printf '%s%s: %s\n' "${said:+$said$'\n'}" "$verdict" "$label"
        if [ "$verdict" = FAILED ]; then echo "$label" >>"$built/failed"; fi
    } &
}

# Waits for all attempts; ends the script with 1 where one failed.
conclude() {
    wait
    if [ -s "$built/failed" ]; then
        sed 's/^/failed: /' "$built/failed" >&2
        exit 1
    fi
}
