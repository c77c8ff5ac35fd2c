// The only source of the compiled core that uses Python: it builds chainrule.kernels._core.
// Its functions and classes are listed in NB_MODULE at the end; all arithmetic is in headers that
// are independent of Python.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "build_info.hpp"
#include "run_arguments.hpp"
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

// -- machines -------------------------------------------------------------------------------------

using Integers = nb::ndarray<const Number, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Readable = nb::ndarray<nb::ro, nb::ndim<2>, nb::device::cpu>;
using Writable = nb::ndarray<nb::ndim<2>, nb::device::cpu>;
using Given = std::vector<std::tuple<Number, bool, nb::object>>;  // value, transposed, array

// A table of the program as structs: each row has the layout of one struct (generated/program.inc).
template <class Row, class Table>
std::vector<Row> rows_of(const Table &table) {
    using Entry = std::remove_const_t<typename Table::Scalar>;
    static_assert(std::is_trivially_copyable_v<Row> && sizeof(Row) % sizeof(Entry) == 0);
    if (table.shape(1) * sizeof(Entry) != sizeof(Row))
        throw std::invalid_argument("a table of the program has the wrong width");
    std::vector<Row> rows(table.shape(0));
    if (!rows.empty()) std::memcpy(rows.data(), table.data(), rows.size() * sizeof(Row));
    return rows;
}

class Machine {
public:
    Machine(bool single, Integers axes, Integers values, Integers instructions, Integers formulas,
            Integers operands, Integers slots, Integers tape, Integers scalar_code,
            Doubles constants, Integers counts)
        : engine_(single ? chosen->single : chosen->twice),
          single_(single),
          axes_(rows_of<Number>(axes)),
          values_(rows_of<ValueRow>(values)),
          instructions_(rows_of<Instruction>(instructions)),
          formulas_(rows_of<FormulaRow>(formulas)),
          operands_(rows_of<OperandRow>(operands)),
          slots_(rows_of<Number>(slots)),
          tape_(rows_of<Step>(tape)),
          scalar_code_(rows_of<Step>(scalar_code)),
          constants_(constants.data(), constants.data() + constants.size()) {
        program_ = {.axes = axes_.data(),
                    .axis_count = Number(axes_.size()),
                    .values = values_.data(),
                    .value_count = Number(values_.size()),
                    .instructions = instructions_.data(),
                    .instruction_count = Number(instructions_.size()),
                    .formulas = formulas_.data(),
                    .formula_count = Number(formulas_.size()),
                    .operands = operands_.data(),
                    .operand_count = Number(operands_.size()),
                    .slots = slots_.data(),
                    .slot_count = Number(slots_.size()),
                    .tape = tape_.data(),
                    .tape_count = Number(tape_.size()),
                    .scalar_code = scalar_code_.data(),
                    .scalar_code_count = Number(scalar_code_.size()),
                    .constants = constants_.data(),
                    .constant_count = Number(constants_.size()),
                    .counts = rows_of<Counts>(counts).at(0)};
        self_ = engine_->create(program_);
    }
    ~Machine() { engine_->destroy(self_); }
    Machine(const Machine &) = delete;
    Machine &operator=(const Machine &) = delete;

    void write(Number value, bool transposed, nb::object given) {
        const auto array = nb::cast<Readable>(given, false);
        const auto [rows, columns] = strides(value, transposed, array);
        engine_->write(self_, value, array.data(), rows, columns);
    }
    void read(Number value, bool transposed, nb::object into) {
        const auto array = nb::cast<Writable>(into, false);
        const auto [rows, columns] = strides(value, transposed, array);
        engine_->read(self_, value, array.data(), rows, columns);
    }
    void set_scalar(Number slot, double value) { engine_->set_scalar(self_, slot, value); }
    void set_threads(Number threads) { engine_->set_threads(self_, threads); }
    void set_draws(std::uint64_t seed, Number step) { engine_->set_draws(self_, seed, step); }
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

    // The copies of parameters to arrays: each a value (or -1 - slot, for a single number), whether
    // it is stored transposed, and an array.
    std::vector<ParameterCopy> copies_to(const Given &given) const {
        std::vector<ParameterCopy> copies;
        for (const auto &[value, transposed, object] : given) {
            const auto array = nb::cast<Writable>(object, false);
            if (value < 0) {
                check_type(array);
                copies.push_back({value, array.data(), 0, 0});
            } else {
                const auto [rows, columns] = strides(value, transposed, array);
                copies.push_back({value, array.data(), rows, columns});
            }
        }
        return copies;
    }
    void copy(const ParameterCopy &to) const {
        if (to.value >= 0) {
            engine_->read(self_, to.value, to.to, to.row_stride, to.column_stride);
            return;
        }
        const double value = engine_->get_scalar(self_, -1 - to.value);
        if (single_)
            *static_cast<float *>(to.to) = float(value);
        else
            *static_cast<double *>(to.to) = value;
    }

    const Engine &engine() const { return *engine_; }
    void *self() const { return self_; }
    Number largest_batch() const { return axes_[sample_axis]; }

    template <class Array>
    std::pair<Number, Number> strides(Number value, bool transposed, const Array &array) const {
        check_type(array);
        refuse_unknown(value);
        const ValueRow &v = values_[std::size_t(value)];
        const Number rows = axes_[std::size_t(v.rows)], columns = axes_[std::size_t(v.columns)];
        if (v.rows != sample_axis && v.columns != sample_axis &&
            (Number(array.shape(transposed)) != rows ||
             Number(array.shape(!transposed)) != columns))
            throw std::invalid_argument("the array does not have the shape of the value");
        return {array.stride(transposed), array.stride(!transposed)};
    }
    void refuse_unknown(Number value) const {
        if (value < 0 || value >= Number(values_.size()))
            throw std::invalid_argument("the program has no such value");
    }
    template <class Array>
    void check_type(const Array &array) const {
        if (array.dtype() != (single_ ? nb::dtype<float>() : nb::dtype<double>()))
            throw std::invalid_argument("the array does not have the machine's type");
    }
    std::vector<Source> described(const Given &given, Number samples) const {
        std::vector<Source> sources;
        for (const auto &[value, transposed, object] : given) {
            const auto array = nb::cast<Readable>(object, false);
            check_type(array);
            if (value < 0 || Number(array.shape(0)) < samples ||
                (array.shape(1) > 1 && array.stride(1) != 1))
                throw std::invalid_argument(
                    "the array is too short, or its rows are not contiguous");
            const ValueRow &v = values_.at(std::size_t(value));
            if (Number(array.shape(1)) != axes_[std::size_t(transposed ? v.rows : v.columns)])
                throw std::invalid_argument("the array does not have the width of the value");
            sources.push_back({value, transposed, array.data(), Number(array.shape(1)),
                               Number(array.stride(0))});
        }
        return sources;
    }

private:
    const Engine *engine_;
    bool single_;
    std::vector<Number> axes_;
    std::vector<ValueRow> values_;
    std::vector<Instruction> instructions_;
    std::vector<FormulaRow> formulas_;
    std::vector<OperandRow> operands_;
    std::vector<Number> slots_;
    std::vector<Step> tape_, scalar_code_;
    std::vector<double> constants_;
    Program program_;
    void *self_;
};

// The first words of the state of a NumPy generator, without a copy: the capsule of a BitGenerator
// holds a struct that begins with a pointer to the state (numpy/random/bitgen.h). The caller must
// have checked the layout of the state, and hold the lock of the generator.
nb::ndarray<nb::numpy, std::uint32_t, nb::ndim<1>> generator_words(nb::capsule capsule,
                                                                   std::size_t count) {
    void *const generator = PyCapsule_GetPointer(capsule.ptr(), "BitGenerator");
    if (!generator) nb::raise_python_error();
    return {*static_cast<void **>(generator), {count}, capsule};
}

// -- runs -----------------------------------------------------------------------------------------

using Indices = nb::ndarray<Number, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Twister = nb::ndarray<std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class To, class Array>
To *data_of(const Array &array, std::size_t least, const char *what) {
    if (!array.is_valid()) return nullptr;
    if (array.size() < least) throw std::invalid_argument(std::string(what) + ": too short");
    return reinterpret_cast<To *>(array.data());
}

// A table of the caller that a run updates, as structs of its layout (generated/program.inc).
template <class Row>
Row *updated_rows(const Table &table) {
    static_assert(std::is_trivially_copyable_v<Row> && alignof(Row) == alignof(double) &&
                  sizeof(Row) % sizeof(double) == 0);
    if (table.shape(1) * sizeof(double) != sizeof(Row))
        throw std::invalid_argument("a table of the run has the wrong width");
    return reinterpret_cast<Row *>(table.data());
}

// A machine with its data and the arrays that its parameters go to; each call runs further epochs.
class Training {
public:
    Training(const Machine &machine, Given given, Number samples, Number batch, Given parameters,
             Given best, const Machine *held, Given held_given, Number held_samples,
             Number held_batch, Number held_weights, Integers shared, Integers state)
        : machine_(machine),
          owned_{std::move(given), std::move(parameters), std::move(best),
                 std::move(held_given)},
          sources_(machine.described(owned_[0], samples)),
          parameters_(machine.copies_to(owned_[1])),
          best_(machine.copies_to(owned_[2])),
          shared_(shared.data(), shared.data() + shared.size()),
          state_(state.data(), state.data() + state.size()) {
        if (held) held_sources_ = held->described(owned_[3], held_samples);
        if (sources_.size() > 8)
            throw std::invalid_argument("`given` must be at most 8 arrays, got " +
                                        std::to_string(sources_.size()));
        if (batch < 1 || batch > machine.largest_batch() || samples < 1 ||
            (held && (held_batch < 1 || held_batch > held->largest_batch())) ||
            held_weights >= Number(owned_[3].size()))
            throw std::invalid_argument("the batch does not fit the program");
        arguments_.samples = samples;
        arguments_.batch = batch;
        arguments_.sources = sources_.data();
        arguments_.source_count = Number(sources_.size());
        arguments_.best = best_.data();
        arguments_.best_count = Number(best_.size());
        arguments_.held = held ? held->self() : nullptr;
        arguments_.held_sources = held_sources_.data();
        arguments_.held_source_count = Number(held_sources_.size());
        arguments_.held_samples = held_samples;
        arguments_.held_batch = held_batch;
        arguments_.held_weights = held_weights < 0 ? nullptr : &held_sources_[held_weights];
        arguments_.shared = shared_.data();
        arguments_.shared_count = Number(shared_.size() / 2);
        for (const Number value : state_) machine.refuse_unknown(value);
        arguments_.state = state_.data();
        arguments_.state_count = Number(state_.size());
    }

    std::tuple<Number, Number, Number, Number, nb::object> run(
        Number first_epoch, Number epochs, Number first_step, Number order, std::uint64_t seed,
        std::uint64_t draws_seed, Indices indices, Twister twister, double rate, Doubles rates,
        Number rate_slot, Table rules, Table records, nb::object listener) {
        RunArguments arguments = arguments_;
        arguments.first_epoch = first_epoch;
        arguments.epochs = epochs;
        arguments.first_step = first_step;
        arguments.order = SampleOrder(order);
        arguments.seed = seed;
        arguments.draws_seed = draws_seed;
        arguments.indices = data_of<Number>(indices, std::size_t(arguments.samples), "indices");
        arguments.twister = data_of<std::uint32_t>(twister, 625, "twister");
        if ((arguments.order != SampleOrder::unshuffled && !arguments.indices) ||
            (arguments.order == SampleOrder::mersenne_twister && !arguments.twister))
            throw std::invalid_argument("`indices` and `twister` must be arrays for this order");
        arguments.rate = rate;
        arguments.rates = data_of<const double>(rates, std::size_t(epochs), "rates");
        arguments.rate_slot = rate_slot;
        arguments.rules = updated_rows<StoppingRow>(rules);
        arguments.rule_count = Number(rules.shape(0));
        arguments.records = updated_rows<EpochRow>(records);
        if (Number(records.shape(0)) < epochs) throw std::invalid_argument("records: too short");
        Hook hook;
        hook.listener = std::move(listener);
        arguments.listener = {Hook::poll, now, &hook};
        {
            nb::gil_scoped_release free;
            machine_.engine().run(machine_.self(), arguments);
            collect();
        }
        return {Number(arguments.ending), arguments.epochs_done, arguments.steps_done,
                arguments.batch_number,
                hook.raised ? nb::borrow(hook.raised->value()) : nb::none()};
    }

    // Copies the parameters into their arrays.
    void collect() const {
        for (const ParameterCopy &copy : parameters_) machine_.copy(copy);
    }

private:
    const Machine &machine_;
    Given owned_[4];
    std::vector<Source> sources_, held_sources_;
    std::vector<ParameterCopy> parameters_, best_;
    std::vector<Number> shared_, state_;
    RunArguments arguments_ = {};
};

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "The compiled core. The reference backend defines what it computes.";

    module.def("build_info", &build_info,
               "Return how this module was built: compiler, compiler_version, cpp_standard (the value\n"
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

    module.def(
        "close", [](bool on) { closing.store(on); }, nb::arg("on"),
        "Say whether all runs in progress are to end: soon, without a call of Python.");
    module.def("generator_words", &generator_words, nb::arg("capsule"), nb::arg("count"),
               "Return the first words of the state of a NumPy BitGenerator, without a copy.");

    nb::class_<Machine>(module, "Machine", "A program with its memory.")
        .def(nb::init<bool, Integers, Integers, Integers, Integers, Integers, Integers, Integers,
                      Integers, Doubles, Integers>(),
             nb::arg("single"), nb::arg("axes"), nb::arg("values"), nb::arg("instructions"),
             nb::arg("formulas"), nb::arg("operands"), nb::arg("slots"), nb::arg("tape"),
             nb::arg("scalar_code"), nb::arg("constants"), nb::arg("counts"))
        .def("write", &Machine::write, nb::arg("value"), nb::arg("transposed"), nb::arg("array"),
             "Copy an array into a value.")
        .def("read", &Machine::read, nb::arg("value"), nb::arg("transposed"), nb::arg("array"),
             "Copy a value into an array.")
        .def("set_scalar", &Machine::set_scalar, nb::arg("slot"), nb::arg("value"))
        .def("scalar", &Machine::scalar, nb::arg("slot"))
        .def("set_threads", &Machine::set_threads, nb::arg("threads"),
             "Set how many threads may share a step; small steps run on one.")
        .def("set_draws", &Machine::set_draws, nb::arg("seed"), nb::arg("step"),
             "Set the seed and the number of the step, from 1, of what is drawn at random.")
        .def("step", &Machine::step, nb::arg("given"), nb::arg("first"), nb::arg("count"),
             "Run one step over rows of the given arrays; False where the loss is not finite.")
        .def_prop_ro("bytes", &Machine::bytes, "The memory that the program takes.");

    nb::class_<Training>(module, "Training",
                         "A machine with its data, and the arrays that its parameters go to.")
        .def(nb::init<const Machine &, Given, Number, Number, Given, Given, const Machine *, Given,
                      Number, Number, Number, Integers, Integers>(),
             nb::keep_alive<1, 2>(), nb::keep_alive<1, 8>(), nb::arg("machine"), nb::arg("given"),
             nb::arg("samples"), nb::arg("batch"), nb::arg("parameters"), nb::arg("best"),
             nb::arg("held").none(), nb::arg("held_given"), nb::arg("held_samples"),
             nb::arg("held_batch"), nb::arg("held_weights"), nb::arg("shared"),
             nb::arg("state"))
        .def("run", &Training::run, nb::arg("first_epoch"), nb::arg("epochs"),
             nb::arg("first_step"), nb::arg("order"), nb::arg("seed"),
             nb::arg("draws_seed"), nb::arg("indices").noconvert().none(),
             nb::arg("twister").noconvert().none(), nb::arg("rate"), nb::arg("rates").none(),
             nb::arg("rate_slot"), nb::arg("rules").noconvert(), nb::arg("records").noconvert(),
             nb::arg("listener").none(),
             "Run epochs; returns how it ended (0 finished, 1 interrupted, 2 a loss that is not\n"
             "finite, 3 no improvement, 4 the listener requested it), epochs done, steps done, the batch\n"
             "in which it ended, what was raised.  The parameters are in their arrays then.")
        .def("collect", &Training::collect, "Copy the parameters into their arrays.");
}
