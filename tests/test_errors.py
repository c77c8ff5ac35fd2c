"""The exception tree, its second bases and the wording that all messages share."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import errors


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (errors.InputError, (ValueError,)),
        (errors.InputTypeError, (TypeError,)),
        (errors.DataError, (errors.InputError, ValueError)),
        (errors.ModelFileError, (errors.InputError, ValueError)),
        (errors.MissingRule, (NotImplementedError,)),
        (errors.NonFiniteLoss, (ArithmeticError,)),
        (errors.CoreUnavailable, (ImportError,)),
    ],
)
def test_errors_are_what_callers_already_catch(error, bases):
    assert issubclass(error, (errors.ChainruleError,))
    for base in bases:
        assert issubclass(error, base)


def test_the_docstring_draws_every_class():
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ChainruleError)
    }
    assert classes <= set(errors.__all__)
    for name in classes:
        assert f"{name} " in errors.__doc__ or f"{name}\n" in errors.__doc__


@pytest.mark.parametrize(
    "error", [errors.DataError("a line"), errors.MissingRule("floor"), errors.CoreUnavailable("x")]
)
def test_errors_survive_pickling_for_worker_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_missing_rule_names_the_operation():
    error = errors.MissingRule("floor")
    assert error.operation == "floor"
    assert "'floor'" in str(error)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Sigmoid", "sigmoid"), ("sigmiod", "sigmoid"), (" relu", "relu"), ("xyz", None), ("", None)],
)
def test_nearest(name, expected):
    assert errors.nearest(name, ["sigmoid", "relu", "tanh"]) == expected


def test_nearest_keeps_the_allowed_spelling():
    assert errors.nearest("species", ["Species", "size"]) == "Species"


def test_unknown_name_lists_and_suggests():
    error = errors.unknown_name("loss", "msee", ["mse", "mae"], errors.DataError)
    assert type(error) is errors.DataError
    assert str(error) == "unknown loss 'msee'. Did you mean 'mse'? Available: 'mse', 'mae'"


def test_unknown_name_shortens_a_long_list():
    message = str(errors.unknown_name("column", "q", [f"column {i}" for i in range(1000)]))
    assert message.endswith("and 988 more")
    assert len(message) < 400


@given(st.text())
def test_every_text_is_shown_on_one_line(text):
    quoted = errors.shown(text)
    assert len(quoted.splitlines()) == 1
    assert len(quoted) <= errors.LONGEST_QUOTE


def test_shown_keeps_spaces_of_text_and_folds_arrays():
    assert errors.shown("a  b") == "'a  b'"
    assert "\n" not in errors.shown(np.zeros((3, 3)))


def test_shown_writes_numpy_scalars_as_numbers():
    assert errors.shown(np.float64(0.5)) == "0.5"
    assert errors.shown(np.array(3)) == "3"


def test_numbers_of_too_many_digits_for_python_are_shown():
    assert errors.shown(10**5000) == "int of many digits"


def test_quotes_of_other_libraries_are_short():
    assert len(errors.one_line("x" * 20_000)) == errors.LONGEST_MESSAGE
