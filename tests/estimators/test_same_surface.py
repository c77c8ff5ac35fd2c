"""The same surface as scikit-learn's: parameters, what they refuse, methods, fitted attributes."""

import inspect
import pydoc
import re
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.datasets import load_iris

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(version("scikit-learn") != "1.9.1", reason="compared with 1.9.1"),
]

X, Y = load_iris(return_X_y=True)
KINDS = ("MLPClassifier", "MLPRegressor")
BLOCKS = {"normalization", "residual", "dropout", "embeddings"}
ADDED = {"MLPClassifier": {"class_weight", *BLOCKS}, "MLPRegressor": {"quantile", *BLOCKS}}
REFUSED: dict[str, list[Any]] = {
    "loss": ["hinge", None],
    "hidden_layer_sizes": [0, (0,), (-1,), "a", None, 3.0],
    "activation": ["softmax", None, 3],
    "solver": ["newton", None],
    "alpha": [-1, "a", None],
    "batch_size": [0, -1, "all", 2.5, None],
    "learning_rate": ["linear"],
    "learning_rate_init": [0, -1, "a"],
    "power_t": [-1],
    "max_iter": [0, -1, 2.5],
    "shuffle": [1, "a"],
    "random_state": ["a", 2.5, -1],
    "tol": [-1],
    "verbose": ["a", -1],
    "warm_start": [1],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": [1],
    "early_stopping": [1],
    "validation_fraction": [1, -0.1],
    "beta_1": [1, -0.1],
    "beta_2": [1, -0.1],
    "epsilon": [0],
    "n_iter_no_change": [0, -1, 2.5, np.nan],
    "max_fun": [0, 2.5],
}


def pair(kind: str, **options: Any) -> tuple[Any, Any]:
    return getattr(cr, kind)(**options), getattr(neural_network, kind)(**options)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_stand_in_the_same_order_with_the_same_defaults(kind: str) -> None:
    ours, theirs = (inspect.signature(type(model)).parameters for model in pair(kind))
    assert len(theirs) == {"MLPClassifier": 23, "MLPRegressor": 24}[kind]
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind), name
    assert [name for name in ours if name in theirs] == list(theirs)
    assert set(ours) - set(theirs) == ADDED[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_is_refused_as_there(kind: str) -> None:
    asked = set(inspect.signature(getattr(neural_network, kind)).parameters)
    assert asked <= set(REFUSED)
    for name in asked:
        for value in REFUSED[name]:
            errors = []
            for model in pair(kind):
                with pytest.raises(ValueError, match=r".") as caught:
                    model.set_params(**{name: value}).fit(X, Y)
                errors.append(caught)
            ours, theirs = (error.value for error in errors)
            assert type(ours) is type(theirs), (name, value)
            if name not in ("loss", "activation"):  # more are allowed here
                assert _message(ours) == _message(theirs)


def _message(error: BaseException) -> str:
    """A message whose listed choices are sorted: scikit-learn prints a set, in any order."""
    return re.sub(r"\{([^}]*)\}", lambda found: str(sorted(found.group(1).split(", "))), str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_methods_take_the_same_arguments(kind: str) -> None:
    ours, theirs = (type(model) for model in pair(kind))
    public = [name for name in dir(theirs) if not name.startswith("_")]
    assert not [name for name in public if not hasattr(ours, name)]
    for name in public:
        known = list(inspect.signature(getattr(theirs, name)).parameters)
        found = list(inspect.signature(getattr(ours, name)).parameters)
        if name.startswith("set_"):  # by keyword only
            assert set(known) <= set(found), name
        else:
            assert found[: len(known)] == known, name


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_fitted_attributes_are_there_and_equal(
    kind: str, solver: str, early_stopping: bool
) -> None:
    settings = {"max_iter": 6, "random_state": 0, "hidden_layer_sizes": (5,)}
    ours, theirs = pair(kind, **settings, solver=solver, early_stopping=early_stopping)
    found, expected = (
        {name: value for name, value in vars(model.fit(X, Y)).items() if name.endswith("_")}
        for model in (ours, theirs)
    )
    added = {"other_parameters_"}
    if solver != "lbfgs":
        added |= {"validation_loss_curve_", "best_iteration_"}
    assert set(found) - set(expected) == added
    for name, value in expected.items():
        if name in ("coefs_", "intercepts_"):
            for one, other in zip(found[name], value, strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
        elif value is None or isinstance(value, (str, int)):
            assert found[name] == value, name
        else:
            np.testing.assert_allclose(found[name], value, rtol=1e-8, err_msg=name)


def several(kind: str) -> list[tuple[str, Any, Any]]:
    """Return rows of unusual kinds that scikit-learn takes, and their targets."""
    locked = X.copy()
    locked.flags.writeable = False
    y = Y if kind == "MLPClassifier" else X[:, 0] - X[:, 1]
    return [
        ("one row", X[:1], y[:1]),
        ("one column", X[:, :1], y),
        ("one value", X, np.zeros_like(y)),
        ("columns first", np.asfortranarray(X), y),
        ("not to be written", locked, y),
        ("every other row", np.repeat(X, 2, axis=0)[::2], y),
        ("other byte order", X.astype(">f8"), y),
        ("whole numbers", (10 * X).astype(np.int64), y),
        ("truth values", X > 3, y),
        ("lists", X.tolist(), y.tolist()),
        ("objects", X.astype(object), y),
        ("a column of targets", X, y[:, None]),
        *(
            (name, getattr(sparse, name)(X * (X > 2)), y)
            for name in ("csr_array", "csc_array", "coo_array", "csr_matrix", "lil_matrix")
        ),
    ]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_unusual_rows_give_the_same_numbers(kind: str, solver: str) -> None:
    for name, rows, targets in several(kind):
        messages, answers = [], []
        for model in pair(kind, hidden_layer_sizes=(), solver=solver, max_iter=4, random_state=0):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.fit(rows, targets)
            messages.append([str(warning.message) for warning in caught])
            answers.append((model.coefs_[0], model.predict(rows)))
        assert messages[0] == messages[1], name
        np.testing.assert_allclose(answers[0][0], answers[1][0], rtol=0, atol=1e-6, err_msg=name)
        assert answers[0][1].shape == answers[1][1].shape
        np.testing.assert_allclose(answers[0][1], answers[1][1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cls", [cr.MLPClassifier, cr.MLPRegressor])
def test_help_has_a_sentence_for_every_parameter(cls):
    text = pydoc.render_doc(cls, renderer=pydoc.plaintext)
    for name, parameter in inspect.signature(cls).parameters.items():
        after = text.split(f"{name} : default {parameter.default!r}", 1)[1]
        assert len(after.strip().splitlines()[0]) > 20, name
