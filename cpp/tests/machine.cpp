// The machine on a program written by hand: a formula by the tape over blocks, a product with a
// bias, totals, and the loss's check. Also: no allocation after the machine is made.
#include <cmath>
#include <cstdlib>
#include <new>
#include <vector>

#include "check.hpp"
#include "engine.hpp"

#define CHECK(condition) check::expect(condition, #condition)

// The program below has no formula with a kernel.
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

namespace {
long allocations = 0;
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const std::size_t a = std::size_t(alignment);
    void* const memory = std::aligned_alloc(a, (size + a - 1) / a * a);
    if (!memory) throw std::bad_alloc();
    return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace chainrule;

namespace {

double clock_of_test() {
    static double now = 0;
    return now += 0.001;
}
int never(void*, Number) { return go_on; }

// X (samples x 5), W (5 x 40), b (40): A = tanh(X W + b) / 2, s = sum of A^2; W <- W - s A-total.
template <class T>
void test_machine(std::ptrdiff_t samples) {
    const Number axes[] = {1, samples, 5, 40};
    const ValueRow values[] = {{1, 2}, {2, 3}, {0, 3}, {1, 3}, {0, 3}};
    const Instruction instructions[] = {
        {.producer = Producer::product, .a = 0, .b = 1, .bias = 2, .rows = 1, .columns = 3,
         .depth = 2, .formula = 0},
        {.producer = Producer::check, .a = 5, .b = 5},
        {.producer = Producer::total_of_rows, .destination = 4, .a = 3, .columns = 3, .depth = 1},
        {.producer = Producer::nothing, .rows = 2, .columns = 3, .formula = 1},
    };
    // operand, tanh, scalar, multiply, square, store, sum; then W - s * total
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
        {Operation::scalar, 2},
        {Operation::fnma, 0, 2, 1},
        {Operation::store, 0},
    };
    const FormulaRow formulas[] = {{-1, 0, 7, 0, 1, 0, 0, 1, 2, 0, 1},
                                {-1, 7, 12, 2, 4, 0, 1, 4, 5, 1, 1}};
    const OperandRow operands[] = {{none}, {3}, {1}, {4, Broadcast::row}, {1}};
    const Number slots[] = {5};
    const double constants[] = {0.5};
    const Counts counts = {.slots = 6, .batch_slot = 1, .loss_slot = 5, .data_loss_slot = 5};
    const Program program = {axes, 4,       values, 5,  instructions, 4, formulas,  2, operands, 5,
                             slots, 1,      tape,   12, nullptr,      0, constants, 1, counts};
    const Engine& engine = Table<T>::engine;
    void* const machine = engine.create(program);

    std::vector<T> X(std::size_t(samples) * 5), W(200), b(40), A(std::size_t(samples) * 40);
    for (std::size_t i = 0; i < X.size(); ++i) X[i] = T(int(i * 7 % 11) - 5) / 4;
    for (std::size_t i = 0; i < W.size(); ++i) W[i] = T(int(i * 5 % 13) - 6) / 8;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = T(i) / 40;
    engine.write(machine, 1, W.data(), 40, 1);
    engine.write(machine, 2, b.data(), 0, 1);
    const Source source = {0, 0, X.data(), 5, 5};
    engine.set_batch(machine, samples);
    engine.gather(machine, source, nullptr, 0, samples);
    const long before = allocations;
    CHECK(engine.step(machine) == 1);
    CHECK(allocations == before);

    const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
    engine.read(machine, 3, A.data(), 40, 1);
    double sum = 0;
    std::vector<double> totals(40);
    for (std::ptrdiff_t r = 0; r < samples; ++r)
        for (int c = 0; c < 40; ++c) {
            double z = double(b[std::size_t(c)]);
            for (int k = 0; k < 5; ++k)
                z += double(X[std::size_t(r * 5 + k)]) * double(W[std::size_t(k * 40 + c)]);
            const double a = std::tanh(z) / 2;
            CHECK(std::fabs(double(A[std::size_t(r * 40 + c)]) - a) <= tolerance);
            sum += a * a;
            totals[std::size_t(c)] += a;
        }
    CHECK(std::fabs(engine.get_scalar(machine, 5) - sum) <= 20 * tolerance * (1 + sum));
    std::vector<T> changed(200);
    engine.read(machine, 1, changed.data(), 40, 1);
    for (std::size_t i = 0; i < 200; ++i) {
        const double expected = double(W[i]) - sum * totals[i % 40];
        CHECK(std::fabs(double(changed[i]) - expected) <=
              100 * tolerance * (1 + std::fabs(sum * totals[i % 40])));
    }

    // A run: memory is allocated before the first step, for any number of steps, in each order,
    // with rates by epoch, and with a rule that stores the best parameters and lowers the rate.
    std::vector<Number> rows(std::size_t(samples), 0);
    std::vector<std::uint32_t> twister(625, 12345);
    twister[624] = 624;
    std::vector<T> best(200);
    const ParameterCopy copy = {1, best.data(), 40, 1};
    // A step changes the weights of this machine too, which has no effect here.
    void* const held = engine.create(program);
    const Source held_sources[] = {source};
    const Number shared[] = {1, 1, 2, 2};
    for (const SampleOrder order : {SampleOrder::unshuffled, SampleOrder::philox,
                                    SampleOrder::mersenne_twister, SampleOrder::given}) {
        long allocated[2];
        for (int round = 0; round < 2; ++round) {
            std::vector<EpochRow> records(10);
            const std::vector<double> rates(10, 0.5);
            StoppingRow rule = {.held_out = 0, .data_weight = 1, .patience = 1, .tolerance = 1e300,
                                .divisor = 2, .smallest_rate = 0, .restores_best = 1,
                                .best = 1e308};
            for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = Number(i);
            RunArguments arguments = {};
            arguments.samples = samples;
            arguments.batch = samples < 3 ? samples : samples - 1;
            arguments.first_epoch = 1;
            arguments.epochs = round ? 10 : 2;
            arguments.order = order;
            arguments.indices = rows.data();
            arguments.twister = twister.data();
            arguments.rates = rates.data();
            arguments.rate_slot = -1;
            arguments.rules = &rule;
            arguments.rule_count = 1;
            arguments.best = &copy;
            arguments.best_count = 1;
            arguments.sources = &source;
            arguments.source_count = 1;
            arguments.records = records.data();
            arguments.held = held;
            arguments.held_sources = held_sources;
            arguments.held_source_count = 1;
            arguments.held_samples = samples;
            arguments.held_batch = samples / 2 + 1;
            arguments.shared = shared;
            arguments.shared_count = 2;
            arguments.listener = {never, clock_of_test, nullptr};
            for (std::size_t i = 0; i < 200; ++i) W[i] = T(0);
            engine.write(machine, 1, W.data(), 40, 1);
            const long start = allocations;
            engine.run(machine, arguments);
            allocated[round] = allocations - start;
            CHECK(arguments.ending == RunEnding::finished);
            CHECK(arguments.epochs_done == arguments.epochs);
            // No epoch but the first improves by the tolerance: after each two the rate is halved.
            CHECK(rule.reductions == (round ? 4 : 0));
            CHECK(records[0].rate == 0.5 && (!round || records[9].rate == 0.5 / 16));
            double least = records[0].loss;
            for (Number e = 1; e < arguments.epochs; ++e)
                if (records[std::size_t(e)].loss < least) least = records[std::size_t(e)].loss;
            CHECK(rule.best == least && records[std::size_t(rule.best_epoch) - 1].loss == least);
        }
        CHECK(allocated[0] == allocated[1]);
    }
    engine.set_batch(machine, samples);
    b[3] = T(__builtin_nan(""));
    engine.write(machine, 2, b.data(), 0, 1);
    engine.read(machine, 1, W.data(), 40, 1);
    CHECK(engine.step(machine) == 0);
    engine.read(machine, 1, changed.data(), 40, 1);
    for (std::size_t i = 0; i < 200; ++i) CHECK(changed[i] == W[i]);
    engine.destroy(machine);
    engine.destroy(held);
}

}  // namespace

int main() {
    for (const std::ptrdiff_t samples : {1, 3, 17, 200, 500}) {
        test_machine<float>(samples);
        test_machine<double>(samples);
    }
    return check::finish("machine");
}
