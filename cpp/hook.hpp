// What Python does in the midst of a run. A part of bindings.cpp, and included by nothing else.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <memory>
#include <utility>

#include "course.hpp"

namespace {

namespace nb = nanobind;
using namespace chainrule;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Ctrl-C and other signals, and somebody who wants to be told of progress, at most twenty times a
// second.
struct Hook {
    nb::object listener;
    double told = now();
    Number told_epochs = 0;
    std::unique_ptr<nb::python_error> raised;  // handed over when the state is in order

    static int poll(void *self, Number epochs_done) {
        nb::gil_scoped_acquire held;
        return static_cast<Hook *>(self)->answer(epochs_done);
    }

    int answer(Number epochs_done) {
        try {
            if (PyErr_CheckSignals() != 0) nb::raise_python_error();
            if (listener.is_none() || epochs_done == told_epochs || now() - told < 0.05)
                return go_on;
            told_epochs = epochs_done;
            const nb::object wanted = listener(epochs_done);
            told = now();
            const int truth = PyObject_IsTrue(wanted.ptr());
            if (truth < 0) nb::raise_python_error();
            return truth ? stop_after_epoch : go_on;
        } catch (nb::python_error &error) {
            raised = std::make_unique<nb::python_error>(std::move(error));
            return stop_now;
        }
    }
};

}  // namespace
