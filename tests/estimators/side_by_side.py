"""Random problems and parameters, fitted by scikit-learn and by us, and how far they are apart.

The yardstick for a problem that amplifies rounding: scikit-learn against itself with its initial
hidden units in another order, which changes nothing but the order of sums.
"""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import neural_network

import chainrule as cr

TASKS = ("binary", "multiclass", "multilabel", "regression", "several", "poisson", "counts")


@dataclass
class Case:
    """One estimator's life: its parameters, its data, and what is called in which order."""

    kind: str
    parameters: dict[str, Any]
    X: Any
    y: Any
    weights: Any
    calls: list[str]
    classes: Any = None
    own_state: bool = False

    def __str__(self) -> str:
        shapes = f"X {self.X.shape} {self.X.dtype}, y {self.y.shape}"
        weighted = "weighted, " if self.weights is not None else ""
        return f"{self.kind}, {shapes}, {weighted}{self.calls}, {self.parameters}"


@dataclass
class Outcome:
    """What a life left behind."""

    curve: Any
    arrays: list[Any]
    epochs: int
    outputs: Any
    warnings: list[str] = field(default_factory=list)
    drawn: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


def drawn(seed: int) -> Case:
    """Return the case of that number."""
    random = np.random.default_rng(seed)
    pick = lambda *values: values[random.integers(len(values))]  # noqa: E731
    task = TASKS[seed % len(TASKS)]
    samples, inputs = int(random.integers(12, 120)), int(random.integers(1, 9))
    dtype = np.float32 if random.random() < 0.1 else np.float64
    X: Any = random.normal(size=(samples, inputs)).astype(dtype)
    signal = X @ random.normal(size=(inputs, 4)) + np.sin(2 * X[:, :1])
    kind, classes = "MLPRegressor", None
    parameters: dict[str, Any] = {}
    if task == "binary":
        kind, y = "MLPClassifier", np.where(signal[:, 0] > 0, "yes", "no")
        y[:4] = ["yes", "no", "yes", "no"]  # enough of each to hold rows out
    elif task == "multiclass":
        kind, y = "MLPClassifier", signal[:, :3].argmax(axis=1) * 2 + 1
        y[:9] = [1, 3, 5] * 3
    elif task == "multilabel":
        kind, y = "MLPClassifier", (signal[:, :3] > 0).astype(int)
    elif task == "regression":
        y = signal[:, 0].astype(float)
    elif task == "several":
        y = signal[:, : random.integers(2, 5)].astype(float)
    else:
        parameters["loss"] = "poisson"
        y = random.poisson(np.exp(np.clip(signal[:, :2], -2, 2))).astype(float)
        y = y[:, 0] if task == "poisson" else y
    solver = pick("sgd", "sgd", "adam", "adam", "lbfgs")
    mode = (
        pick("fit", "fit", "fit", "warm", "partial") if solver != "lbfgs" else pick("fit", "warm")
    )
    early = bool(solver != "lbfgs" and mode == "fit" and random.random() < 0.3)
    rate = float(10 ** random.uniform(-4, -1.5))
    parameters |= {
        "hidden_layer_sizes": tuple(int(w) for w in random.integers(1, 20, random.integers(1, 4))),
        "activation": pick("identity", "logistic", "tanh", "relu"),
        "solver": solver,
        "alpha": pick(0.0, 1e-4, 0.01, 1.0),
        "batch_size": pick("auto", "auto", 1, 7, 32, samples, samples + 10),
        "learning_rate": pick("constant", "invscaling", "adaptive"),
        "learning_rate_init": rate if task not in ("poisson", "counts") else rate / 3,
        "power_t": pick(0.5, 0.1),
        "max_iter": pick(2, 17, 50),
        "shuffle": bool(random.random() < 0.8),
        "random_state": int(random.integers(1000)),
        "tol": pick(1e-4, 1e-4, 1e-2, 0.0),
        "warm_start": mode == "warm",
        "momentum": pick(0.9, 0.9, 0.5, 0.0),
        "nesterovs_momentum": bool(random.random() < 0.6),
        "early_stopping": early,
        "validation_fraction": pick(0.1, 0.3) if samples > 40 else 0.3,
        "beta_1": pick(0.9, 0.5, 0.0),
        "beta_2": pick(0.999, 0.9),
        "epsilon": pick(1e-8, 1e-3),
        "n_iter_no_change": pick(10, 2, 1, np.inf),
    }
    if kind == "MLPClassifier":
        classes = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
    weights = None
    if random.random() < 0.35:
        weights = random.uniform(0.1, 3, samples)
    calls = {"fit": ["fit"], "warm": ["fit", "fit"], "partial": ["partial_fit"] * 7}[mode]
    own_state = bool(random.random() < 0.2 and mode != "partial")
    return Case(kind, parameters, X, y, weights, calls, classes, own_state)


def live(case: Case, make: Any) -> Outcome:
    """Let an estimator of that class live the case."""
    parameters = dict(case.parameters)
    if case.own_state:
        parameters["random_state"] = np.random.RandomState(parameters["random_state"])
    model = make(**parameters)
    curve: list[float] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for place, call in enumerate(case.calls):
            options = {} if case.weights is None else {"sample_weight": case.weights}
            if call == "partial_fit" and case.classes is not None and place == 0:
                options["classes"] = case.classes
            getattr(model, call)(case.X, case.y, **options)
            if case.parameters["solver"] == "lbfgs":
                curve.append(model.loss_)
    stochastic = case.parameters["solver"] != "lbfgs"
    names = ("t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
    facts = {name: getattr(model, name) for name in names}
    if stochastic:
        facts["scores"] = (
            None if model.validation_scores_ is None else len(model.validation_scores_)
        )
        facts["best_loss_"] = model.best_loss_ is None
    outputs = (model.predict if case.kind == "MLPRegressor" else model.predict_proba)(case.X)
    return Outcome(
        np.array(model.loss_curve_ if stochastic else curve),
        [*model.coefs_, *model.intercepts_],
        model.n_iter_,
        outputs,
        [f"{warning.category.__name__}: {warning.message}".split("\n")[0] for warning in caught],
        float(parameters["random_state"].uniform()) if case.own_state else 0.0,
        facts,
    )


def theirs(case: Case) -> Outcome:
    """Live it as scikit-learn's."""
    return live(case, getattr(neural_network, case.kind))


def ours(case: Case) -> Outcome:
    """Live it as ours."""
    return live(case, getattr(cr, case.kind))


def permuted(case: Case, seed: int) -> Outcome:
    """Live it as scikit-learn's with the initial hidden units in another order."""
    random = np.random.default_rng(seed)
    orders: list[Any] = []

    class Permuted(getattr(neural_network, case.kind)):  # type: ignore[misc]
        def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
            super()._initialize(y, layer_units, dtype)
            orders[:] = [random.permutation(width) for width in layer_units[1:-1]]
            for place, order in enumerate(orders):
                self.coefs_[place] = np.ascontiguousarray(self.coefs_[place][:, order])
                self.intercepts_[place] = self.intercepts_[place][order]
                self.coefs_[place + 1] = np.ascontiguousarray(self.coefs_[place + 1][order])
            self._best_coefs = [array.copy() for array in self.coefs_]
            self._best_intercepts = [array.copy() for array in self.intercepts_]

    outcome = live(case, Permuted)
    layers = len(orders) + 1
    for place, order in enumerate(orders):
        back = np.argsort(order)
        outcome.arrays[place] = outcome.arrays[place][:, back]
        outcome.arrays[layers + place] = outcome.arrays[layers + place][back]
        outcome.arrays[place + 1] = outcome.arrays[place + 1][back]
    return outcome


def apart(one: Outcome, other: Outcome) -> tuple[float, float]:
    """Return the largest relative difference of losses and the largest difference of a weight.

    Both are infinite where one of them ran for more epochs.
    """
    if len(one.curve) != len(other.curve) or one.epochs != other.epochs:
        return np.inf, np.inf
    losses = np.abs(one.curve - other.curve) / np.maximum(np.abs(other.curve), 1e-300)
    weights = max(float(np.abs(a - b).max()) for a, b in zip(one.arrays, other.arrays, strict=True))
    return float(losses.max()), weights
