// The one file of the compiled core that sees Python: it builds chainrule.kernels._core.
// What it offers is listed in NB_MODULE at the end; all arithmetic lives in headers that know
// nothing of Python.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "program.hpp"

namespace nb = nanobind;

namespace {

using Report = nb::typed<nb::dict, nb::str, nb::str>;

constexpr const char *compiler() {
#if defined(__clang__)
    return "Clang";
#elif defined(__GNUC__)
    return "GCC";
#elif defined(_MSC_VER)
    return "MSVC";
#else
    return "unknown";
#endif
}

std::string compiler_version() {
#if defined(__clang__)
    return std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
           std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
    return std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#elif defined(_MSC_FULL_VER)
    return std::to_string(_MSC_FULL_VER);
#else
    return "unknown";
#endif
}

// The value of __cplusplus, as 202002 for C++20. MSVC reports the true one elsewhere.
std::string cpp_standard() {
#if defined(_MSVC_LANG)
    return std::to_string(_MSVC_LANG);
#else
    return std::to_string(__cplusplus);
#endif
}

// What a processor must offer to run code that was compiled without choosing at run time, read from
// what the compiler says that it may use, not from the flags that somebody meant to pass. The
// levels are those of the x86-64 psABI.
constexpr const char *instruction_set() {
#if defined(__x86_64__)
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && \
    defined(__AVX512DQ__) && defined(__AVX512VL__)
    return "x86-64-v4";
#elif defined(__AVX2__) && defined(__BMI__) && defined(__BMI2__) && defined(__F16C__) && \
    defined(__FMA__) && defined(__LZCNT__) && defined(__MOVBE__)
    return "x86-64-v3";
#elif defined(__SSE4_2__) && defined(__SSSE3__) && defined(__POPCNT__)
    return "x86-64-v2";
#else
    return "x86-64";
#endif
#elif defined(_M_X64)
    return "x86-64";
#elif defined(__aarch64__) || defined(_M_ARM64)
    return "aarch64";
#else
    return "unknown";
#endif
}

std::string nanobind_version() {
    return std::to_string(NB_VERSION_MAJOR) + "." + std::to_string(NB_VERSION_MINOR) + "." +
           std::to_string(NB_VERSION_PATCH);
}

Report build_info() {
    Report report;
    report["compiler"] = compiler();
    report["compiler_version"] = compiler_version().c_str();
    report["cpp_standard"] = cpp_standard().c_str();
    report["instruction_set"] = instruction_set();
    report["nanobind_version"] = nanobind_version().c_str();
    return report;
}

// -- instruction sets ------------------------------------------------------------------------------

}  // namespace

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
    throw nb::import_error(("CHAINRULE_ISA: '" + std::string(wanted) +
                            "' came; this processor and this build run " + names)
                               .c_str());
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const Engines *engines : available()) names.push_back(engines->name);
    return names;
}

std::vector<std::string> formulas() {
    return {chosen->formulas, chosen->formulas + chosen->formula_count};
}

// -- machines --------------------------------------------------------------------------------------

using Integers = nb::ndarray<const Number, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Losses = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Order = nb::ndarray<const Number, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Readable = nb::ndarray<nb::ro, nb::ndim<2>, nb::device::cpu>;
using Writable = nb::ndarray<nb::ndim<2>, nb::device::cpu>;
using Given = std::vector<std::tuple<Number, bool, nb::object>>;  // value, turned, array
using Counts = std::tuple<Number, Number, Number, Number, Number, Number>;

template <class Row>
std::vector<Row> rows_of(const Integers &table) {
    static_assert(sizeof(Row) % sizeof(Number) == 0);
    if (table.shape(1) * sizeof(Number) != sizeof(Row))
        throw std::invalid_argument("a table of the program has the wrong width");
    const auto *const first = reinterpret_cast<const Row *>(table.data());
    return {first, first + table.shape(0)};
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Asks Python whether Ctrl-C was pressed. What the handler raised is handed over when the run has
// ended and its state is in order.
int interrupted_by_user(void *self) {
    nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() == 0) return 0;
    static_cast<std::unique_ptr<nb::python_error> *>(self)->reset(new nb::python_error());
    return 1;
}

class Machine {
public:
    Machine(bool single, Integers axes, Integers values, Integers instructions, Integers formulas,
            Integers places, Integers slots, Integers tape, Integers scalar_code, Doubles constants,
            Counts counts)
        : engine_(single ? chosen->single : chosen->twice),
          single_(single),
          axes_(rows_of<Number>(axes)),
          values_(rows_of<Value>(values)),
          instructions_(rows_of<Instruction>(instructions)),
          formulas_(rows_of<Formula>(formulas)),
          places_(rows_of<Place>(places)),
          slots_(rows_of<Number>(slots)),
          tape_(rows_of<Step>(tape)),
          scalar_code_(rows_of<Step>(scalar_code)),
          constants_(constants.data(), constants.data() + constants.size()) {
        program_ = {axes_.data(),         Number(axes_.size()),
                    values_.data(),       Number(values_.size()),
                    instructions_.data(), Number(instructions_.size()),
                    formulas_.data(),     Number(formulas_.size()),
                    places_.data(),       Number(places_.size()),
                    slots_.data(),        Number(slots_.size()),
                    tape_.data(),         Number(tape_.size()),
                    scalar_code_.data(),  Number(scalar_code_.size()),
                    std::get<0>(counts),  constants_.data(),
                    Number(constants_.size()), std::get<1>(counts),
                    std::get<2>(counts),  std::get<3>(counts),
                    std::get<4>(counts),  std::get<5>(counts)};
        self_ = engine_->create(program_);
    }
    ~Machine() { engine_->destroy(self_); }
    Machine(const Machine &) = delete;
    Machine &operator=(const Machine &) = delete;

    void write(Number value, bool turned, nb::object given) {
        const auto array = nb::cast<Readable>(given, false);
        const auto [rows, columns] = strides(value, turned, array);
        engine_->write(self_, value, array.data(), rows, columns);
    }
    void read(Number value, bool turned, nb::object into) {
        const auto array = nb::cast<Writable>(into, false);
        const auto [rows, columns] = strides(value, turned, array);
        engine_->read(self_, value, array.data(), rows, columns);
    }
    void set_scalar(Number slot, double value) { engine_->set_scalar(self_, slot, value); }
    void set_threads(Number threads) { engine_->set_threads(self_, threads); }
    double scalar(Number slot) const { return engine_->get_scalar(self_, slot); }
    Number bytes() const { return engine_->bytes(self_); }

    // One step over rows [first, first + count) of the given arrays.
    bool step(const Given &given, Number first, Number count) {
        const std::vector<Source> sources = described(given, first + count);
        nb::gil_scoped_release free;
        engine_->set_batch(self_, count);
        for (const Source &source : sources) engine_->gather(self_, source, nullptr, first, count);
        return engine_->step(self_) != 0;
    }

    std::tuple<Number, Number, Number, Number, nb::object> run(
        const Given &given, Number samples, Number batch, Number first_epoch, Number epochs,
        Number first_step, bool shuffled, std::uint64_t seed, Losses losses, Machine *held,
        const Given &held_given, Number held_samples, Number held_batch, Integers shared,
        Losses held_losses) {
        const std::vector<Source> sources = described(given, samples);
        std::vector<Source> held_sources;
        if (held) held_sources = held->described(held_given, held_samples);
        held_sources.resize(std::max(sources.size(), held_sources.size()) + 1);
        if (sources.size() > 8) throw std::invalid_argument("more than 8 arrays came");
        if (batch < 1 || batch > axes_[sample_axis] || samples < 1)
            throw std::invalid_argument("the batch does not fit the program");
        if (losses.size() < 2 * std::size_t(epochs) ||
            (held && (held_losses.size() < std::size_t(epochs) || held_batch < 1 ||
                      held_batch > held->axes_[sample_axis])))
            throw std::invalid_argument("the arrays of losses are too short");
        Course course = {};
        course.samples = samples;
        course.batch = batch;
        course.first_epoch = first_epoch;
        course.epochs = epochs;
        course.first_step = first_step;
        course.shuffled = shuffled;
        course.seed = seed;
        course.sources = sources.data();
        course.source_count = Number(sources.size());
        course.losses = losses.data();
        course.held = held ? held->self_ : nullptr;
        course.held_sources = held_sources.data();
        course.held_samples = held_samples;
        course.held_batch = held_batch;
        course.shared = shared.data();
        course.shared_count = Number(shared.shape(0));
        course.held_losses = held_losses.data();
        std::unique_ptr<nb::python_error> raised;
        course.listener = {interrupted_by_user, now, &raised};
        {
            nb::gil_scoped_release free;
            engine_->run(self_, course);
        }
        return {course.ending, course.epochs_done, course.steps_done, course.batch_number,
                raised ? nb::borrow(raised->value()) : nb::none()};
    }

private:
    template <class Array>
    std::pair<Number, Number> strides(Number value, bool turned, const Array &array) const {
        check_type(array);
        if (value < 0 || value >= Number(values_.size()))
            throw std::invalid_argument("the program has no such value");
        const Value &v = values_[std::size_t(value)];
        const Number rows = axes_[std::size_t(v.rows)], columns = axes_[std::size_t(v.columns)];
        if (v.rows != sample_axis && v.columns != sample_axis &&
            (Number(array.shape(turned)) != rows || Number(array.shape(!turned)) != columns))
            throw std::invalid_argument("the array does not have the shape of the value");
        return {array.stride(turned), array.stride(!turned)};
    }
    template <class Array>
    void check_type(const Array &array) const {
        if (array.dtype() != (single_ ? nb::dtype<float>() : nb::dtype<double>()))
            throw std::invalid_argument("the array does not have the machine's type");
    }
    std::vector<Source> described(const Given &given, Number samples) const {
        std::vector<Source> sources;
        for (const auto &[value, turned, object] : given) {
            const auto array = nb::cast<Readable>(object, false);
            check_type(array);
            if (value < 0 || Number(array.shape(0)) < samples || (array.shape(1) > 1 && array.stride(1) != 1))
                throw std::invalid_argument("the array is too short, or its rows are in pieces");
            const Value &v = values_.at(std::size_t(value));
            if (Number(array.shape(1)) != axes_[std::size_t(turned ? v.rows : v.columns)])
                throw std::invalid_argument("the array does not have the width of the value");
            sources.push_back({value, turned, array.data(), Number(array.shape(1)),
                               Number(array.stride(0))});
        }
        return sources;
    }

    const Engine *engine_;
    bool single_;
    std::vector<Number> axes_;
    std::vector<Value> values_;
    std::vector<Instruction> instructions_;
    std::vector<Formula> formulas_;
    std::vector<Place> places_;
    std::vector<Number> slots_;
    std::vector<Step> tape_, scalar_code_;
    std::vector<double> constants_;
    Program program_;
    void *self_;
};

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "The compiled core. What it computes, the reference backend defines.";

    module.def("build_info", &build_info,
               "Say how this module was built: compiler, compiler_version, cpp_standard (the value\n"
               "of __cplusplus), instruction_set (the least that a processor must offer) and\n"
               "nanobind_version.");

    choose();
    module.def("instruction_sets", &instruction_sets,
               "Return the instruction sets that this build and this processor run, widest last.");
    module.def("in_use", [] { return std::string(chosen->name); },
               "Return the instruction set in use; CHAINRULE_ISA forces one at import.");
    module.def(
        "lanes", [](bool single) { return (single ? chosen->single : chosen->twice)->lanes; },
        nb::arg("single"), "Return how many numbers a vector holds.");
    module.def("formulas", &formulas, "Return the texts of the formulas with a generated kernel.");

    nb::class_<Machine>(module, "Machine", "A program with its memory.")
        .def(nb::init<bool, Integers, Integers, Integers, Integers, Integers, Integers, Integers,
                      Integers, Doubles, Counts>(),
             nb::arg("single"), nb::arg("axes"), nb::arg("values"), nb::arg("instructions"),
             nb::arg("formulas"), nb::arg("places"), nb::arg("slots"), nb::arg("tape"),
             nb::arg("scalar_code"), nb::arg("constants"), nb::arg("counts"))
        .def("write", &Machine::write, nb::arg("value"), nb::arg("turned"), nb::arg("array"),
             "Copy an array into a value.")
        .def("read", &Machine::read, nb::arg("value"), nb::arg("turned"), nb::arg("array"),
             "Copy a value into an array.")
        .def("set_scalar", &Machine::set_scalar, nb::arg("slot"), nb::arg("value"))
        .def("scalar", &Machine::scalar, nb::arg("slot"))
        .def("set_threads", &Machine::set_threads, nb::arg("threads"),
             "Let at most so many threads share a step; small steps stay on one.")
        .def("step", &Machine::step, nb::arg("given"), nb::arg("first"), nb::arg("count"),
             "Run one step over rows of the given arrays; False where the loss is not finite.")
        .def("run", &Machine::run, nb::arg("given"), nb::arg("samples"), nb::arg("batch"),
             nb::arg("first_epoch"), nb::arg("epochs"), nb::arg("first_step"), nb::arg("shuffled"),
             nb::arg("seed"), nb::arg("losses"), nb::arg("held").none(), nb::arg("held_given"),
             nb::arg("held_samples"), nb::arg("held_batch"), nb::arg("shared"),
             nb::arg("held_losses"),
             "Run epochs; returns how it ended (0 finished, 1 interrupted, 2 a loss that is not\n"
             "finite), epochs done, steps done, the batch in which it ended, what was raised.")
        .def_prop_ro("bytes", &Machine::bytes, "The memory that the program takes.");
}
