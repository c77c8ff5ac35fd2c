// Calls of Python during a run. Included by bindings.cpp only.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "run_arguments.hpp"

namespace {

namespace nb = nanobind;
using namespace chainrule;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Whether all runs are to end, without a call of Python: the interpreter is about to end.
std::atomic<bool> closing{false};

// Ctrl-C and other signals, and a listener that gets the progress, at most twenty times a second.
struct Hook {
    nb::object listener;
    double last_call = now();
    Number last_epochs = 0;
    std::unique_ptr<nb::python_error> raised;  // raised again when the run has ended

    static int poll(void *self, Number epochs_done) {
        if (closing.load(std::memory_order_relaxed)) return stop_now;
        nb::gil_scoped_acquire held;
        return static_cast<Hook *>(self)->answer(epochs_done);
    }

    int answer(Number epochs_done) {
        try {
            if (PyErr_CheckSignals() != 0) nb::raise_python_error();
            if (listener.is_none() || epochs_done == last_epochs || now() - last_call < 0.05)
                return go_on;
            last_epochs = epochs_done;
            const nb::object stops = listener(epochs_done);
            last_call = now();
            const int truth = PyObject_IsTrue(stops.ptr());
            if (truth < 0) nb::raise_python_error();
            return truth ? stop_after_epoch : go_on;
        } catch (nb::python_error &error) {
            raised = std::make_unique<nb::python_error>(std::move(error));
            return stop_now;
        }
    }
};

}  // namespace
