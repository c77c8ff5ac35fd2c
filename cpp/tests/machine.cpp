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
const signed char* finish_numbers<float>() {
    return nullptr;
}
template <>
const signed char* finish_numbers<double>() {
    return nullptr;
}
template <>
const Finished<float>* finishes<float>() {
    return nullptr;
}
template <>
const Finished<double>* finishes<double>() {
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
    void* const place = std::aligned_alloc(a, (size + a - 1) / a * a);
    if (!place) throw std::bad_alloc();
    return place;
}
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }

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
    const Value values[] = {{1, 2, 0}, {2, 3, 0}, {0, 3, 0}, {1, 3, 0}, {0, 3, 0}};
    const Instruction instructions[] = {
        {Producer::product, -1, 0, 0, 1, 2, 1, 3, 2, 0, 0, 0},
        {Producer::check, -1, 5, 0, 5, -1, 0, 0, 0, -1, 0, 0},
        {Producer::total_of_rows, 4, 3, 0, 0, -1, 0, 3, 1, -1, 0, 0},
        {Producer::nothing, -1, 0, 0, 0, -1, 2, 3, 0, 1, 0, 0},
    };
    // operand, tanh, scalar, multiply, square, store, sum; then W - s * total
    const Step tape[] = {
        {op_operand, 0, 0, 0, 0}, {op_tanh, 0, 0, 0, 0},     {op_constant, 1, 0, 0, 0},
        {op_multiply, 0, 0, 1, 0}, {op_multiply, 1, 0, 0, 0}, {op_store, 0, 0, 0, 0},
        {op_sum, 0, 1, 0, 0},      {op_operand, 0, 0, 0, 0},  {op_operand, 1, 1, 0, 0},
        {op_scalar, 2, 0, 0, 0},   {op_fnma, 0, 2, 1, 0},     {op_store, 0, 0, 0, 0},
    };
    const Formula formulas[] = {{-1, 0, 7, 0, 1, 0, 0, 1, 2, 0, 1},
                                {-1, 7, 12, 2, 4, 0, 1, 4, 5, 1, 1}};
    const Place places[] = {{-1, 0}, {3, 0}, {1, 0}, {4, 1}, {1, 0}};
    const Number slots[] = {5};
    const double constants[] = {0.5};
    const Program program = {axes, 4, values, 5, instructions, 4, formulas, 2, places, 5, slots, 1,
                             tape, 12, nullptr, 0, 0, constants, 1, 0, 0, 6, 1, -1, 5, 5};
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

    // A run: memory is taken before the first step, whatever the number of steps, in each order, with
    // rates by epoch, and with a watch that keeps the best parameters and lowers the rate.
    std::vector<Number> rows(std::size_t(samples), 0);
    std::vector<std::uint32_t> twister(625, 12345);
    twister[624] = 624;
    std::vector<T> best(200);
    const Kept kept = {1, best.data(), 40, 1};
    void* const held = engine.create(program);  // that its step changes its weights is no matter
    const Source held_sources[] = {source, {}};
    const Number shared[] = {1, 1, 2, 2};
    for (const Number order : {as_they_lie, by_philox, by_mersenne_twister, as_given}) {
        long taken[2];
        for (int round = 0; round < 2; ++round) {
            std::vector<Record> records(10);
            const std::vector<double> rates(10, 0.5);
            Watch watch = {0, 1, 1, 1e300, 2, 0, 1, 1e308, 0, 0, 0};
            for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = Number(i);
            Course course = {};
            course.samples = samples;
            course.batch = samples < 3 ? samples : samples - 1;
            course.first_epoch = 1;
            course.epochs = round ? 10 : 2;
            course.order = order;
            course.places = rows.data();
            course.twister = twister.data();
            course.rates = rates.data();
            course.rate_slot = -1;
            course.watches = &watch;
            course.watch_count = 1;
            course.kept = &kept;
            course.kept_count = 1;
            course.sources = &source;
            course.source_count = 1;
            course.records = records.data();
            course.held = held;
            course.held_sources = held_sources;
            course.held_samples = samples;
            course.held_batch = samples / 2 + 1;
            course.shared = shared;
            course.shared_count = 2;
            course.listener = {never, clock_of_test, nullptr};
            for (std::size_t i = 0; i < 200; ++i) W[i] = T(0);
            engine.write(machine, 1, W.data(), 40, 1);
            const long start = allocations;
            engine.run(machine, course);
            taken[round] = allocations - start;
            CHECK(course.ending == finished && course.epochs_done == course.epochs);
            // No epoch but the first improves by the tolerance: after each two the rate is halved.
            CHECK(watch.reductions == (round ? 4 : 0));
            CHECK(records[0].rate == 0.5 && (!round || records[9].rate == 0.5 / 16));
            double least = records[0].loss;
            for (Number e = 1; e < course.epochs; ++e)
                if (records[std::size_t(e)].loss < least) least = records[std::size_t(e)].loss;
            CHECK(watch.best == least && records[std::size_t(watch.best_epoch) - 1].loss == least);
        }
        CHECK(taken[0] == taken[1]);
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
