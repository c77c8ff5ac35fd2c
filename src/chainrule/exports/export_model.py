"""`export`: a trained model as a file that runs where chainrule is not installed.

Every format is written from the same steps (`prediction_steps`); what a format cannot hold is an
error that names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.exports.c_writer import CHeader, c_header
from chainrule.exports.excel_writer import excel_workbook
from chainrule.exports.exported_models import prediction_of
from chainrule.exports.javascript_writer import javascript_module
from chainrule.exports.learned_network import LearnedSteps
from chainrule.exports.numpy_writer import numpy_file
from chainrule.exports.onnx_writer import onnx_model
from chainrule.exports.prediction_steps import Prediction
from chainrule.exports.sql_writer import sql_select
from chainrule.files import path_errors, write_atomically, written_path
from chainrule.validation import checked_choice

__all__ = ["FORMATS", "Format", "c_program", "check_options", "export", "format_for"]


class Format(NamedTuple):
    """A format: the endings of its files, its writer, and one line about it."""

    suffixes: tuple[str, ...]
    write: Callable[[Prediction], str | bytes]
    description: str


def _c_text(prediction: Prediction) -> str:
    return c_header(prediction).text


FORMATS = {
    "c": Format(
        (".h",),
        lambda prediction: c_header(prediction).text,
        "one header in C99 that allocates nothing",
    ),
    "excel": Format((".xlsx",), excel_workbook, "a workbook whose cells compute the prediction"),
    "javascript": Format((".mjs", ".js"), javascript_module, "one ES module for browsers and Node"),
    "numpy": Format((".py",), numpy_file, "one file of Python that needs NumPy alone"),
    "onnx": Format((".onnx",), onnx_model, "an ONNX model"),
    "sql": Format((".sql",), sql_select, "one SELECT for SQLite, DuckDB and PostgreSQL"),
}
"""The formats by name."""


def export(
    model: Any,
    to: str | None = None,
    output: str | os.PathLike[str] | None = None,
    *,
    training: bool = False,
    int8: bool = False,
    libm: bool = True,
) -> str | bytes:
    """Return a trained model as a program or a file of another system, and write it if asked.

    ``model`` is a TableModel, a TableRun, the Result of `train`, a pair (network, parameters) or a
    fitted estimator. ``to`` is the format, by default that of the ending of ``output``; ``output``
    is the path to write to. The result is the text, for excel and onnx the bytes.

    Three options are those of the format c. ``training`` adds the step of gradient descent
    W ← W − α ∂Loss/∂W, with the equations and the loss that `train` runs, on parameters that the
    caller holds. ``int8`` stores weights in 8 bits, with a scale for each unit, and states the loss
    of accuracy. Without ``libm`` exp, tanh and so on are functions of the header itself.

    Raises InputError for an unknown format, for an ending of another format, for options of another
    format, and for what the format cannot hold.

    >>> import numpy
    >>> from chainrule.network.architecture import Network
    >>> network = Network.dense([1, 1], "identity")
    >>> program = export((network, {"W_1": [[2.0]], "b_1": [1.0]}), "numpy")
    >>> names = {}
    >>> exec(program, names)
    >>> names["predict"]({"x0": [3.0, 4.0]}).tolist()
    [7.0, 9.0]
    """
    name = format_for(to, output)
    check_options(name, training=training, int8=int8, libm=libm)
    found: str | bytes
    if name == "c":
        found = c_program(model, training=training, int8=int8, libm=libm).text
    else:
        found = FORMATS[name].write(prediction_of(model))
    if output is not None:
        write_atomically(output, found.encode("utf-8") if isinstance(found, str) else found)
    return found


def c_program(
    model: Any, *, training: bool = False, int8: bool = False, libm: bool = True
) -> CHeader:
    """Return the header of a model with its figures: flash, memory, worst error.

    >>> from chainrule.network.architecture import Network
    >>> network = Network.dense([4, 16, 3], "tanh", "log_loss")
    >>> header = c_program((network, network.initialize(seed=0)), int8=True)
    >>> header.flash, header.ram, header.worst < 0.01
    (264, 160, True)
    """
    check_options("c", training=training, int8=int8, libm=libm)
    prediction = prediction_of(model, LearnedSteps() if training else None)
    return c_header(prediction, int8=int8, libm=libm)


def check_options(name: str, *, training: bool, int8: bool, libm: bool) -> None:
    """Raise InputError for options of the format c with another one, and for two that clash.

    >>> check_options("c", training=True, int8=False, libm=False)
    """
    options = {"training": (training, False), "int8": (int8, False), "libm": (libm, True)}
    for option, (given, usual) in options.items():
        if not isinstance(given, bool):
            raise InputTypeError(f"`{option}` must be True or False, got {shown(given)}")
        if given is not usual and name != "c":
            raise InputError(
                f"`{option}` must be {usual} for the format {shown(name)}, got {given}. Choose 'c'."
            )
    if training and int8:
        raise InputError(
            "`int8` must be False where `training` is True, got True. Whole numbers of 8 bits "
            "cannot take small steps: choose one of both."
        )


def format_for(to: str | None, output: str | os.PathLike[str] | None) -> str:
    """Return the format that a name and the ending of a path request together.

    >>> format_for(None, "model.py")
    'numpy'
    >>> format_for("numpy", "model.txt")
    'numpy'
    """
    suffix = ""
    if output is not None:
        with path_errors(output):
            suffix = Path(os.fsdecode(output)).suffix.lower()
    ending = next((name for name, form in FORMATS.items() if suffix in form.suffixes), None)
    if to is None and ending is None:
        listed = ", ".join(s for form in FORMATS.values() for s in form.suffixes)
        given = "no path" if output is None else written_path(output)
        raise InputError(
            f"`output` must be a path that ends in one of {listed} where no format is named, got "
            f"{given}. Name the format ('to' or --to): {', '.join(FORMATS)}."
        )
    chosen = ending if to is None else checked_choice("to", to, tuple(FORMATS))
    if ending is not None and output is not None and chosen != ending:
        raise InputError(
            f"`output` must end in {' or '.join(FORMATS[str(chosen)].suffixes)} for the format "
            f"{shown(chosen)}, got {written_path(output)}, whose ending is that of {shown(ending)}"
        )
    return str(chosen)
