// A program large enough to be shared: the same bits for any number of threads, also for two
// machines at once and in the child of a fork; no allocation in a step. Without the generated
// formulas, whose compilation for the thread sanitizer takes minutes.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "check.hpp"
#include "machine.hpp"

#define CHECK(condition) check::expect(condition, #condition)

namespace {
std::atomic<long> allocations{0};
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const std::size_t a = std::size_t(alignment);
    if (void* const memory = std::aligned_alloc(a, (size + a - 1) / a * a)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// What the child of a fork does with threads: pool.hpp.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

using namespace chainrule;

namespace {

constexpr Number samples = 1200, inputs = 40, outputs = 203, few = 3;
// Axes: 1 samples, 2 inputs, 3 outputs, 4 few.
const Number axes[] = {1, samples, inputs, outputs, few};
enum : Number { X, W, b, A, total, A_transposed, V, d, G, rows_of_A, small, U, at_most };
const ValueRow values[] = {{1, 2}, {2, 3}, {0, 3}, {1, 3}, {0, 3}, {3, 1},
                        {4, 3}, {4, 1}, {2, 3}, {0, 1}, {2, 4}, {3, 3}};
const Instruction instructions[] = {
    // A = tanh(X W + b) / 2, and the sum of A^2
    {.producer = Producer::product, .a = X, .b = W, .bias = b, .rows = 1, .columns = 3, .depth = 2,
     .formula = 0},
    {.producer = Producer::total_of_rows, .destination = total, .a = A, .columns = 3, .depth = 1},
    {.producer = Producer::total_of_columns, .destination = rows_of_A, .a = A, .columns = 1,
     .depth = 3},
    {.producer = Producer::transposition, .destination = A_transposed, .a = A, .rows = 3,
     .columns = 1},
    // d = V Aᵀ
    {.producer = Producer::dot, .destination = d, .a = V, .b = A, .rows = 4, .columns = 1,
     .depth = 3},
    // G = Xᵀ A
    {.producer = Producer::product, .destination = G, .a = X, .a_transposed = 1, .b = A, .rows = 2,
     .columns = 3, .depth = 1},
    // the first samples only
    {.producer = Producer::product, .destination = small, .a = G, .b = A_transposed, .rows = 2,
     .columns = 4, .depth = 3},
    // A <- A - s * total, and the sum of A^2
    {.producer = Producer::nothing, .rows = 1, .columns = 3, .formula = 1},
    // W <- W - s * Xᵀ A
    {.producer = Producer::product, .a = X, .a_transposed = 1, .b = A, .rows = 2, .columns = 3,
     .depth = 1, .formula = 2},
    // U <- U - Wᵀ G, in registers
    {.producer = Producer::product, .a = W, .a_transposed = 1, .b = G, .rows = 3, .columns = 3,
     .depth = 2, .formula = 3},
};
const Step tape[] = {
    {Operation::operand, 0},
    {Operation::tanh, 0},
    {Operation::constant, 1},
    {Operation::multiply, 0, 0, 1},
    {Operation::multiply, 1},
    {Operation::store, 0},
    {Operation::sum, 0, 1},
    {Operation::operand, 0},
    {Operation::operand, 1, 1},
    {Operation::constant, 2, 1},
    {Operation::fnma, 0, 2, 1},
    {Operation::multiply, 1},
    {Operation::store, 0},
    {Operation::sum, 0, 1},
    {Operation::operand, 0},
    {Operation::operand, 1, 1},
    {Operation::constant, 2, 1},
    {Operation::fnma, 0, 2, 0, 1},
    {Operation::store, 0},
};
const FormulaRow formulas[] = {{-1, 0, 7, 0, 1, 0, 0, 1, 2, 0, 1},
                            {-1, 7, 14, 2, 4, 0, 0, 4, 5, 1, 2},
                            {-1, 14, 19, 5, 7, 0, 0, 7, 8, 2, 2},
                            {0, 0, 0, 8, 10, 0, 0, 10, 11, 2, 2}};
const OperandRow operands[] = {{none}, {A}, {A},    {total, Broadcast::row}, {A}, {none},
                              {W},    {W}, {none}, {U},                     {U}};
const Number slots[] = {5, 6};
const double constants[] = {0.5, 1e-4};
const Counts counts = {.slots = 7, .batch_slot = 1, .loss_slot = 5, .data_loss_slot = 6};
const Program program = {axes,  5, values, 12, instructions, 10, formulas,  4, operands, 11,
                         slots, 2, tape,   19, nullptr,      0,  constants, 2, counts};

// What the generator writes for operand 1 - sum: a kernel (never called) and an epilogue.
template <class T>
void kernel(Call<T>&) {
    __builtin_trap();
}
template <class T>
struct Epilogue {
    static constexpr bool in_registers = true;
    const Call<T>& c;
    CHAINRULE_INLINE void operator()(std::ptrdiff_t row, std::ptrdiff_t column, Vec<T> sum,
                                     Ints<T> live) const {
        const Vec<T> before = load<T>(c.in[1] + row * c.step[1] + column);
        store<T>(c.out[0] + row * c.out_step[0] + column, masked<T>(before - sum, live));
    }
};
template <class T>
constexpr Kernel<T> kernels[] = {kernel<T>};
template <class T>
constexpr FusedProducts<T> fused_products[] = {fused_products_of<T, Epilogue, true>};

template <class T>
void fill(Machine<T>& machine, Number value, int factor, int range, int scale) {
    const ValueRow& v = values[value];
    for (std::ptrdiff_t r = 0; r < machine.length[v.rows]; ++r)
        for (std::ptrdiff_t c = 0; c < machine.length[v.columns]; ++c)
            machine.base[value][r * machine.stride[value] + c] =
                T((r * 7919 + c * factor) % range - range / 2) / T(scale);
}

// Everything that three steps leave, padding included, and the sums.
template <class T>
std::vector<double> outcome(Number threads, Number batch, bool watch_memory = false) {
    const signed char fused_product_numbers[] = {0};
    Machine<T> machine(program, kernels<T>, fused_product_numbers, fused_products<T>);
    machine.set_threads(threads);
    machine.set_batch(batch);
    fill(machine, X, 31, 1009, 300);
    fill(machine, W, 17, 997, 900);
    fill(machine, b, 13, 101, 100);
    fill(machine, V, 11, 103, 70);
    machine.step();  // makes the pool
    const long before = allocations;
    machine.step();
    machine.step();
    if (watch_memory) CHECK(allocations == before);

    std::vector<double> all = {machine.slots[5], machine.slots[6]};
    for (Number value = W; value < at_most; ++value) {
        const std::ptrdiff_t rows = machine.length[values[value].rows];
        const std::ptrdiff_t columns = padded<T>(machine.length[values[value].columns]);
        for (std::ptrdiff_t r = 0; r < rows; ++r)
            for (std::ptrdiff_t c = 0; c < columns; ++c)
                all.push_back(double(machine.base[value][r * machine.stride[value] + c]));
    }
    return all;
}

bool same(const std::vector<double>& one, const std::vector<double>& other) {
    return one.size() == other.size() &&
           std::memcmp(one.data(), other.data(), one.size() * sizeof(double)) == 0;
}

#if defined(CHAINRULE_SANITIZED)  // one type: half the time of compilation
constexpr Number many[] = {2, 5};
using Second = float;
#else
constexpr Number many[] = {2, 3, 4, 8, 16};
using Second = double;
#endif

template <class T>
void test_bits() {
    for (const Number batch : {samples, Number{701}}) {
        const std::vector<double> alone = outcome<T>(1, batch);
        for (const double entry : alone) CHECK(__builtin_isfinite(entry));
        for (const Number threads : many)
            CHECK(same(outcome<T>(threads, batch, true), alone));
    }
}

void test_two_at_once() {
    const std::vector<double> single = outcome<float>(1, samples), twice = outcome<Second>(1, 1100);
    std::atomic<long> wrong{0};
    std::thread other([&] {
        for (int round = 0; round < 3; ++round) wrong += !same(outcome<Second>(3, 1100), twice);
    });
    for (int round = 0; round < 3; ++round) wrong += !same(outcome<float>(2, samples), single);
    other.join();
    CHECK(wrong == 0);
}

void test_fork() {
    const std::vector<double> before = outcome<float>(4, samples);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(same(outcome<float>(4, samples), before) ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(same(outcome<float>(4, samples), before));
}

}  // namespace

int main() {
    test_bits<float>();
    if (sizeof(Second) > sizeof(float)) test_bits<Second>();
    CHECK(pool.created + 1 == many[sizeof(many) / sizeof(many[0]) - 1]);  // steps were shared
    test_two_at_once();
    test_fork();
    return check::finish("threads");
}
