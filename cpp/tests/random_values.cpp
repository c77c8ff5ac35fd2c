// Masks and noise against arithmetic on single numbers, in both layouts and for short batches.
#include <cmath>
#include <vector>

#include "check.hpp"
#include "engine.hpp"

#define CHECK(condition) check::expect(condition, #condition)

// The programs below have no formula.
namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {
template <>
const Kernel<float>* kernels<float>() {
    return nullptr;
}
template <>
const Kernel<double>* kernels<double>() {
    return nullptr;
}
template <>
const signed char* fused_product_numbers<float>() {
    return nullptr;
}
template <>
const signed char* fused_product_numbers<double>() {
    return nullptr;
}
template <>
const FusedProducts<float>* fused_products<float>() {
    return nullptr;
}
template <>
const FusedProducts<double>* fused_products<double>() {
    return nullptr;
}
}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule

using namespace chainrule;

namespace {

std::uint32_t hashed(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    x *= 0x846ca68b;
    return x ^ (x >> 16);
}

std::uint32_t word(std::uint64_t key, std::uint32_t entry) {
    return hashed(hashed(entry ^ std::uint32_t(key)) + std::uint32_t(key >> 32));
}

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

// `transposed`: samples are the columns as stored.
template <class T>
void test_draws(Producer producer, Number samples, Number count, Number width, bool transposed,
                double parameter) {
    const Number axes[] = {1, samples, width};
    const Number rows = transposed ? 2 : 1, columns = transposed ? 1 : 2;
    const ValueRow values[] = {{rows, columns}};
    const std::uint64_t seed = 0xfedcba9876543210, step = 77, stream = 3;
    const Instruction instructions[] = {{.producer = producer,
                                         .destination = 0,
                                         .a = Number(stream),
                                         .a_transposed = transposed,
                                         .b = __builtin_bit_cast(Number, parameter),
                                         .rows = rows,
                                         .columns = columns}};
    const double constants[] = {0.0};
    const Counts counts = {.slots = 1, .batch_slot = 0};
    const Program program = {axes, 3,       values,  1, instructions, 1, nullptr,   0, nullptr, 0,
                             nullptr, 0,    nullptr, 0, nullptr,      0, constants, 1, counts};
    Machine<T> machine(program, nullptr, nullptr, nullptr);
    CHECK(machine.step());  // leaves entries where the short batch has padding
    machine.set_batch(count);
    machine.set_draws(seed, Number(step));
    CHECK(machine.step());
    const std::uint64_t key = mix64(mix64(mix64(seed + golden) + step * golden) + stream * golden);
    const std::uint64_t second = mix64(key + golden);
    const std::ptrdiff_t down = transposed ? width : count, across = transposed ? count : width;
    bool right = true, clear = true;
    for (std::ptrdiff_t r = 0; r < down; ++r) {
        const T* const row = machine.base[0] + r * machine.stride[0];
        for (std::ptrdiff_t c = 0; c < across; ++c) {
            const std::uint32_t entry =
                std::uint32_t(transposed ? c * width + r : r * width + c);
            if (producer == Producer::mask) {
                const double threshold = std::floor(parameter * 4294967296.0);
                const T expected =
                    double(word(key, entry)) < threshold ? T(0) : T(1 / (1 - parameter));
                right = right && row[c] == expected;
            } else {
                const double u = (word(key, entry) + 0.5) / 4294967296.0;
                const double v = (word(second, entry) + 0.5) / 4294967296.0;
                const double expected = std::sqrt(-2 * std::log(u)) * parameter *
                                        std::cos(2 * 3.14159265358979323846 * v);
                const double unit = std::fabs(expected) * (sizeof(T) == 4 ? 0x1p-24 : 0x1p-52);
                right = right && std::fabs(double(row[c]) - expected) <= 4 * unit;
            }
        }
        for (std::ptrdiff_t c = across; c < padded<T>(across); ++c) clear = clear && row[c] == 0;
    }
    CHECK(right);
    CHECK(clear);
}

template <class T>
void test_all() {
    for (const bool transposed : {false, true})
        for (const Number width : {1, 3, 15, 16, 37, 128})
            for (const Number count : {1, 15, 16, 17, 60}) {
                for (const double rate : {0.0, 0.3, 0.999})
                    test_draws<T>(Producer::mask, 61, count, width, transposed, rate);
                test_draws<T>(Producer::noise, 61, count, width, transposed, 0.7);
            }
}

}  // namespace

int main() {
    test_all<float>();
    test_all<double>();
    CHECK(mix64(golden) == 0xe220a8397b1dcdaf);  // the first output of splitmix64 with the seed 0
    return check::finish("random_values");
}
