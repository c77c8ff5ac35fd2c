// The one file of the compiled core that sees Python: it builds chainrule.kernels._core.
// What it offers is listed in NB_MODULE at the end; all arithmetic lives in headers that know
// nothing of Python.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "build_info.hpp"
#include "course.hpp"
#include "hook.hpp"
#include "instruction_sets.hpp"

namespace nb = nanobind;

namespace {

using Report = nb::typed<nb::dict, nb::str, nb::str>;

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
using Readable = nb::ndarray<nb::ro, nb::ndim<2>, nb::device::cpu>;
using Writable = nb::ndarray<nb::ndim<2>, nb::device::cpu>;
using Given = std::vector<std::tuple<Number, bool, nb::object>>;  // value, turned, array
using Counts = std::tuple<Number, Number, Number, Number, Number, Number, Number, Number>;

template <class Row>
std::vector<Row> rows_of(const Integers &table) {
    static_assert(sizeof(Row) % sizeof(Number) == 0);
    if (table.shape(1) * sizeof(Number) != sizeof(Row))
        throw std::invalid_argument("a table of the program has the wrong width");
    const auto *const first = reinterpret_cast<const Row *>(table.data());
    return {first, first + table.shape(0)};
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
                    Number(constants_.size()),
                    std::get<6>(counts),  std::get<7>(counts),
                    std::get<1>(counts),
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

    // Where parameters are copied to: pairs of a value (or -1 - slot, for a single number) and an
    // array with its sides.
    std::vector<Kept> places_of(const Given &given) const {
        std::vector<Kept> places;
        for (const auto &[value, turned, object] : given) {
            const auto array = nb::cast<Writable>(object, false);
            if (value < 0) {
                check_type(array);
                places.push_back({value, array.data(), 0, 0});
            } else {
                const auto [rows, columns] = strides(value, turned, array);
                places.push_back({value, array.data(), rows, columns});
            }
        }
        return places;
    }
    void copy(const Kept &kept) const {
        if (kept.value >= 0) {
            engine_->read(self_, kept.value, kept.to, kept.rows_apart, kept.columns_apart);
            return;
        }
        const double value = engine_->get_scalar(self_, -1 - kept.value);
        if (single_)
            *static_cast<float *>(kept.to) = float(value);
        else
            *static_cast<double *>(kept.to) = value;
    }

    const Engine &engine() const { return *engine_; }
    void *self() const { return self_; }
    Number largest_batch() const { return axes_[sample_axis]; }

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

private:
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

// The first words of a NumPy generator's state, where NumPy keeps them: the capsule of a BitGenerator
// holds a struct that begins with a pointer to the state (numpy/random/bitgen.h). Whoever asks knows
// what lies there, and keeps others from drawing in the meantime.
nb::ndarray<nb::numpy, std::uint32_t, nb::ndim<1>> generator_words(nb::capsule capsule,
                                                                   std::size_t count) {
    void *const generator = PyCapsule_GetPointer(capsule.ptr(), "BitGenerator");
    if (!generator) nb::raise_python_error();
    return {*static_cast<void **>(generator), {count}, capsule};
}

// -- runs ------------------------------------------------------------------------------------------

using Places = nb::ndarray<Number, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Twister = nb::ndarray<std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class To, class Array>
To *data_of(const Array &array, std::size_t least, const char *what) {
    if (!array.is_valid()) return nullptr;
    if (array.size() < least) throw std::invalid_argument(std::string(what) + ": too short");
    return reinterpret_cast<To *>(array.data());
}

// A machine with its data and the arrays that its parameters go to; each call runs further epochs.
class Training {
public:
    Training(const Machine &machine, Given given, Number samples, Number batch, Given parameters,
             Given best, const Machine *held, Given held_given, Number held_samples,
             Number held_batch, Integers shared)
        : machine_(machine),
          kept_alive_{std::move(given), std::move(parameters), std::move(best),
                      std::move(held_given)},
          sources_(machine.described(kept_alive_[0], samples)),
          parameters_(machine.places_of(kept_alive_[1])),
          best_(machine.places_of(kept_alive_[2])),
          shared_(shared.data(), shared.data() + shared.size()) {
        if (held) held_sources_ = held->described(kept_alive_[3], held_samples);
        held_sources_.resize(std::max(sources_.size(), held_sources_.size()) + 1);
        if (sources_.size() > 8) throw std::invalid_argument("more than 8 arrays came");
        if (batch < 1 || batch > machine.largest_batch() || samples < 1 ||
            (held && (held_batch < 1 || held_batch > held->largest_batch())))
            throw std::invalid_argument("the batch does not fit the program");
        course_.samples = samples;
        course_.batch = batch;
        course_.sources = sources_.data();
        course_.source_count = Number(sources_.size());
        course_.kept = best_.data();
        course_.kept_count = Number(best_.size());
        course_.held = held ? held->self() : nullptr;
        course_.held_sources = held_sources_.data();
        course_.held_samples = held_samples;
        course_.held_batch = held_batch;
        course_.shared = shared_.data();
        course_.shared_count = Number(shared_.size() / 2);
    }

    std::tuple<Number, Number, Number, Number, nb::object> run(
        Number first_epoch, Number epochs, Number first_step, Number order, std::uint64_t seed,
        Places places, Twister twister, double rate, Doubles rates, Number rate_slot, Table watches,
        Table records, nb::object listener) {
        Course course = course_;
        course.first_epoch = first_epoch;
        course.epochs = epochs;
        course.first_step = first_step;
        course.order = order;
        course.seed = seed;
        course.places = data_of<Number>(places, std::size_t(course.samples), "places");
        course.twister = data_of<std::uint32_t>(twister, 625, "twister");
        if ((order != as_they_lie && !course.places) ||
            (order == by_mersenne_twister && !course.twister))
            throw std::invalid_argument("the order has no room");
        course.rate = rate;
        course.rates = data_of<const double>(rates, std::size_t(epochs), "rates");
        course.rate_slot = rate_slot;
        static_assert(sizeof(Watch) == 11 * sizeof(double) && sizeof(Record) == 4 * sizeof(double));
        if (watches.shape(1) != 11 || records.shape(1) != 4)
            throw std::invalid_argument("a table has the wrong width");
        course.watches = data_of<Watch>(watches, 0, "watches");
        course.watch_count = Number(watches.shape(0));
        course.records = data_of<Record>(records, 4 * std::size_t(epochs), "records");
        Hook hook;
        hook.listener = std::move(listener);
        course.listener = {Hook::poll, now, &hook};
        {
            nb::gil_scoped_release free;
            machine_.engine().run(machine_.self(), course);
            collect();
        }
        return {course.ending, course.epochs_done, course.steps_done, course.batch_number,
                hook.raised ? nb::borrow(hook.raised->value()) : nb::none()};
    }

    // Copies the parameters into their arrays.
    void collect() const {
        for (const Kept &kept : parameters_) machine_.copy(kept);
    }

private:
    const Machine &machine_;
    Given kept_alive_[4];
    std::vector<Source> sources_, held_sources_;
    std::vector<Kept> parameters_, best_;
    std::vector<Number> shared_;
    Course course_ = {};
};

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "The compiled core. What it computes, the reference backend defines.";

    module.def("build_info", &build_info,
               "Say how this module was built: compiler, compiler_version, cpp_standard (the value\n"
               "of __cplusplus), instruction_set (the least that a processor must offer) and\n"
               "nanobind_version.");

    try {
        choose();
    } catch (const std::runtime_error &error) {
        throw nb::import_error(error.what());
    }
    module.def("instruction_sets", &instruction_sets,
               "Return the instruction sets that this build and this processor run, widest last.");
    module.def("in_use", [] { return std::string(chosen->name); },
               "Return the instruction set in use; CHAINRULE_ISA forces one at import.");
    module.def(
        "lanes", [](bool single) { return (single ? chosen->single : chosen->twice)->lanes; },
        nb::arg("single"), "Return how many numbers a vector holds.");
    module.def("formulas", &formulas, "Return the texts of the formulas with a generated kernel.");

    module.def("generator_words", &generator_words, nb::arg("capsule"), nb::arg("count"),
               "Return the first words of the state of a NumPy BitGenerator, where they lie.");

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
        .def_prop_ro("bytes", &Machine::bytes, "The memory that the program takes.");

    nb::class_<Training>(module, "Training",
                         "A machine with its data, and the arrays that its parameters go to.")
        .def(nb::init<const Machine &, Given, Number, Number, Given, Given, const Machine *, Given,
                      Number, Number, Integers>(),
             nb::keep_alive<1, 2>(), nb::keep_alive<1, 8>(), nb::arg("machine"), nb::arg("given"),
             nb::arg("samples"), nb::arg("batch"), nb::arg("parameters"), nb::arg("best"),
             nb::arg("held").none(), nb::arg("held_given"), nb::arg("held_samples"),
             nb::arg("held_batch"), nb::arg("shared"))
        .def("run", &Training::run, nb::arg("first_epoch"), nb::arg("epochs"),
             nb::arg("first_step"), nb::arg("order"), nb::arg("seed"),
             nb::arg("places").noconvert().none(), nb::arg("twister").noconvert().none(),
             nb::arg("rate"), nb::arg("rates").none(), nb::arg("rate_slot"),
             nb::arg("watches").noconvert(), nb::arg("records").noconvert(),
             nb::arg("listener").none(),
             "Run epochs; returns how it ended (0 finished, 1 interrupted, 2 a loss that is not\n"
             "finite, 3 no improvement, 4 the listener asked), epochs done, steps done, the batch\n"
             "in which it ended, what was raised.  The parameters are in their arrays then.")
        .def("collect", &Training::collect, "Copy the parameters into their arrays.");
}
