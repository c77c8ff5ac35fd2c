"""Verification: every derived gradient, compared with methods that are independent of it.

The forward equations are evaluated by axis name in their printed form; their derivative by the
complex step (exact to rounding) and by central differences is compared with what the Plan computes.
Also, every matrix form is compared with its index form in both layouts, every rewrite with the
expression that it replaces, one training step with the step from gradients at the old parameters,
and every equality that the derivation displays is evaluated as it is displayed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import Array
from chainrule.check_result import CheckResult
from chainrule.derivation.checking import TOLERANCE
from chainrule.derivation.derivation import LAYOUTS, check_layouts
from chainrule.errors import InputError, InputTypeError, one_line
from chainrule.formulas.arrange import arrange
from chainrule.formulas.differentiate import depends
from chainrule.formulas.directions import (
    Move,
    directions_in,
    losses_along,
    most_directions,
    parts_of,
)
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.kinks import margins
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.html_tables import block, table
from chainrule.kernels.reference import Execution, named_array
from chainrule.language.phrase_books import phrases_of
from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import columns_of, padded
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.layers import CategoryLayer
from chainrule.network.optimizers import SGD
from chainrule.plans.plan import Plan, plan
from chainrule.validation import requirement

Values = Mapping[str, ArrayLike]

Arrays: TypeAlias = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]

COMPLEX_STEP = 1e-20
CENTRAL_STEP = 1e-5
KINK_MARGIN = 1e-4
LARGEST = 50.0
"""Random batches with larger values are drawn again: differences would lose digits."""
ENTRIES = 48
"""Arrays up to this size are checked entry by entry, larger ones along random directions."""


def relative_error(found: Array, expected: Array, loss: float) -> float:
    """Return ‖g − ĝ‖ / max(‖ĝ‖, 10⁻³ (1 + |loss|)), the error of a gradient array.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.0]), 0.5)
    0.0
    """
    scale = max(float(np.linalg.norm(expected)), 1e-3 * (1 + abs(loss)))
    return float(np.linalg.norm(np.asarray(found) - expected)) / scale


@dataclass(frozen=True)
class Verification:
    """The checks of one formulation; ``str()`` is a table of methods and worst errors.

    ``entries`` is the number of entries of all gradients, ``single`` how many were compared one by
    one; the others are compared in sums of all entries of an array with random weights.
    """

    title: str
    checks: tuple[CheckResult, ...]
    single: int = 0
    entries: int = 0

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def methods(self) -> list[tuple[str, int, CheckResult]]:
        """Return each method, how many quantities it was applied to, and its worst check."""
        grouped: dict[str, list[CheckResult]] = {}
        for check in self.checks:
            grouped.setdefault(check.method, []).append(check)
        return [
            (method, len(checks), max(checks, key=lambda check: _rank(check)))
            for method, checks in grouped.items()
        ]

    def __repr__(self) -> str:
        failed = len(self.failures)
        held = f"{failed} failed" if failed else "all passed" if self.passed else "none"
        return f"<Verification {self.title}; {len(self.checks)} checks, {held}>"

    def _repr_html_(self) -> str:
        headings = ("method", "checked", "worst error", "limit", "")
        rows = [
            (
                method,
                f"{count:,}",
                f"{worst.error:.2e}",
                f"{worst.limit:.0e}",
                "✓" if worst.passed else f"✗ {worst.quantity}",
            )
            for method, count, worst in self.methods()
        ]
        return block(
            table(
                headings,
                rows,
                caption=self.title,
                numeric=headings[1:4],
                foot=self._compared(Wording("verification", "en")),
            )
        )

    def _compared(self, words: Wording) -> str:
        """Return how entries were compared, where not all were one by one."""
        if self.single >= self.entries:
            return ""
        return words("compared", single=self.single, entries=self.entries)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, language: str = "en") -> list[str]:
        """Return the table of methods and worst errors in English or Chinese, line by line."""
        words = Wording("verification", language)
        names = [_method(method, words) for method, _, _ in self.methods()]
        columns = max(map(columns_of, names), default=0)
        lines = [self.title]
        for name, (_, count, worst) in zip(names, self.methods(), strict=True):
            verdict = "✓" if worst.passed else f"✗ {worst.quantity}"
            found = {"error": worst.error, "limit": worst.limit, "verdict": verdict}
            lines.append(f"  {padded(name, columns)}  {words('line', count=count, **found)}")
        if self.checks and (compared := self._compared(words)):
            lines.append(f"  {compared}")
        return lines


def _method(name: str, words: Wording) -> str:
    """Return a method's name in words; one that the phrase book does not have stays as it is."""
    key = f"method_{re.sub('[ ,]+', '_', name)}"
    return phrases_of(words.book, words.language).get(key, name)


def _rank(check: CheckResult) -> tuple[bool, float]:
    error = check.error if np.isfinite(check.error) else np.inf
    return (not check.passed, error / check.limit)


def verify(
    network: Network,
    seed: int = 0,
    *,
    samples: int = 5,
    parameters: Mapping[str, Any] | None = None,
    X: Arrays | None = None,
    Y: Arrays | None = None,
) -> Verification:
    """Check every gradient of a network against independent methods, at random values.

    ``parameters``, ``X`` (samples, inputs) and ``Y`` (samples, outputs) replace random ones where
    they are given; several inputs or outputs are a list, or a mapping by symbol.  Raises
    ``InputError`` where no random batch is far enough from every kink.

    >>> result = verify(Network.dense([3, 4, 2], activation="tanh"), seed=0)
    >>> result.passed
    True
    """
    formulation = network.formulation()
    gradients = differentiate(formulation)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise InputTypeError(
            requirement("parameters", "a dictionary of arrays by name", parameters)
        )
    given = {**_by_name(X, network.input_names), **_by_name(Y, network.target_names)}
    count = len(next(iter(given.values()))) if given else samples
    values = {**random_values(network, seed, count), **(parameters or {}), **given}
    found = verify_formulation(formulation, values, gradients=gradients, title=str(network))
    return replace(found, checks=(*found.checks, *_displayed(network, seed)))


def _by_name(given: Arrays | None, names: Sequence[str]) -> dict[str, Array]:
    if given is None:
        return {}
    arrays: Any = given
    if not isinstance(given, Mapping):
        arrays = dict(zip(names, [given] if len(names) == 1 else arrays, strict=True))
    return {name: np.asarray(array, float) for name, array in arrays.items()}


def _displayed(network: Network, seed: int) -> Iterator[CheckResult]:
    """Check every line that ``derive`` shows, in both layouts; the error is 0 or infinite."""
    for layout, checked in check_layouts(network, seed):
        for statement, _, result in checked:
            error = 0.0 if result.passed else np.inf
            name = f"displayed lines, samples in {layout}"
            yield CheckResult(name, error, TOLERANCE, statement.left.name)


def verify_formulation(
    formulation: Formulation,
    values: Values,
    *,
    gradients: Gradients | None = None,
    training: Plan | None = None,
    seed: int = 0,
    title: str = "",
) -> Verification:
    """Check any formulation at the given values, arrays with the axes of their symbols.

    ``gradients`` and ``training`` (a Plan with plain gradient-descent updates of rate ``STEP``) are
    what is checked; by default both are derived here.
    """
    derived = gradients or differentiate(formulation)
    stepped = training or plan(derived, SGD(STEP))
    directions = _directions_of(formulation, values, seed)
    checks: list[CheckResult] = []
    checks += _gradients(formulation, stepped, values, directions)
    checks += _matrix_forms(formulation, derived, values)
    checks += _rewrites(formulation, derived, values)
    single = sum(np.count_nonzero(d) == 1 for each in directions.values() for d in each)
    entries = sum(np.size(values[symbol.name]) for symbol in directions)
    return Verification(title, tuple(checks), int(single), int(entries))


STEP = 0.5
"""The learning rate of the one training step that is checked."""


class Forward:
    """The forward equations by axis name, in their printed form, at given values."""

    def __init__(self, formulation: Formulation, values: Values) -> None:
        self.formulation = formulation
        self.values = values

    def at(self, changed: Values, *, form: str = "value") -> Evaluation:
        """Return the values of all symbols with some parameters changed, also to complex ones."""
        values = {**self.values, **changed}
        kind = np.result_type(float, *(np.asarray(array).dtype for array in changed.values()))
        evaluation = Evaluation(values, form=form, dtype=kind)
        evaluation.measure((*self.formulation.inputs, *self.formulation.parameters))
        for equation in self.formulation.equations:
            value = evaluation.spread(equation.right, equation.left.axes)
            evaluation.define(equation.left, value)
        return evaluation

    def loss(self, changed: Values) -> Array:
        """Return the loss, an array of shape ()."""
        return self.at(changed)(self.formulation.loss)

    @cached_property
    def known(self) -> Evaluation:
        """The values of all symbols, where nothing is changed."""
        return self.at({})

    def along(self, moves: Sequence[Move], step: complex) -> Array:
        """Return the loss after each of these moves alone, (moves,)."""
        equations, loss = self.formulation.equations, self.formulation.loss
        sizes = {symbol: int(np.size(self.known(symbol))) for symbol in self._symbols}
        parts = [
            losses_along(equations, loss, self.known, part, step)
            for part in parts_of(equations, sizes, moves)
        ]
        return np.concatenate([np.zeros(0), *parts])

    @property
    def _symbols(self) -> Iterator[Symbol]:
        """The parameters and everything that is computed."""
        yield from self.formulation.parameters
        yield from (equation.left for equation in self.formulation.equations)


def _gradients(
    formulation: Formulation,
    stepped: Plan,
    values: Values,
    directions: Mapping[Symbol, Sequence[Array]],
) -> Iterator[CheckResult]:
    forward = Forward(formulation, values)
    loss = float(forward.loss({}))
    run = Execution(stepped)
    old = {symbol.name: np.array(values[symbol.name], float) for symbol in formulation.parameters}
    run.give({**values, **{name: array.copy() for name, array in old.items()}, "α": STEP})
    before = {name: run.values[name].copy() for name in old}
    try:
        run.all()
    except ValueError as mismatch:
        yield CheckResult(
            "the Plan runs", np.inf, 0.0, one_line(mismatch)
        )  # shapes that do not meet
        return
    yield CheckResult("loss of the Plan", _scalar_error(run, stepped, loss), 1e-12, "Loss")
    moves = [(symbol, d) for symbol, each in directions.items() for d in each]
    imaginary = np.imag(forward.along(moves, 1j * COMPLEX_STEP)) / COMPLEX_STEP
    above, below = (forward.along(moves, step) for step in (CENTRAL_STEP, -CENTRAL_STEP))
    differences = (above - below) / (2 * CENTRAL_STEP)
    end = 0
    for symbol in formulation.parameters:
        start, end = end, end + len(directions[symbol])
        exact, central = imaginary[start:end], differences[start:end]
        target = stepped.gradients.get(symbol.name)
        found = np.zeros_like(old[symbol.name])
        if target is not None:
            found = named_array(run.values[target], symbol)
        moved = named_array(before[symbol.name] - run.values[symbol.name], symbol) / STEP
        along = np.array([np.sum(found * d) for d in directions[symbol]])
        step = np.array([np.sum(moved * d) for d in directions[symbol]])
        name = formulation.cotangent(symbol).name
        yield CheckResult("complex step", relative_error(along, exact, loss), 1e-12, name)
        yield CheckResult("central differences", relative_error(along, central, loss), 1e-6, name)
        # The step is a difference of parameters, so it has their rounding errors.
        rounding = 4e-16 * float(np.linalg.norm(old[symbol.name])) / STEP
        slack = rounding / max(float(np.linalg.norm(exact)), 1e-3 * (1 + abs(loss)))
        error = max(0.0, relative_error(step, exact, loss) - slack)
        yield CheckResult("one step from old values", error, 1e-12, symbol.name)


def _scalar_error(run: Execution, stepped: Plan, loss: float) -> float:
    return abs(float(run.scalar(stepped.loss)) - loss) / (1 + abs(loss))


def _directions_of(
    formulation: Formulation, values: Values, seed: int
) -> dict[Symbol, list[Array]]:
    """Return the directions along which each parameter is checked; fewer where each costs more."""
    arrays = {s: np.asarray(values[s.name], float) for s in formulation.parameters}
    samples = max((len(np.atleast_1d(values[s.name])) for s in formulation.inputs), default=1)
    products = samples * sum(array.size for array in arrays.values())
    most = min(ENTRIES, most_directions(len(arrays), products))
    return {symbol: list(_directions(array, seed, most)) for symbol, array in arrays.items()}


def _directions(array: Array, seed: int, most: int) -> Iterator[Array]:
    """Yield directions in the array's shape: all units of a small one, else random ones."""
    return directions_in(array.shape, seed, most, most // 2, max(1, most // 6))


def _backward(formulation: Formulation, gradients: Gradients, values: Values) -> Evaluation:
    """Return the values of all symbols and cotangents, by axis name."""
    evaluation = Forward(formulation, values).at({}, form="computed")
    for entry in gradients.backward:
        evaluation.define(entry.left, evaluation.spread(entry.right, entry.left.axes))
    return evaluation


def _matrix_forms(
    formulation: Formulation, gradients: Gradients, values: Values
) -> Iterator[CheckResult]:
    named = _backward(formulation, gradients, values)
    equations = [*formulation.equations, *(entry.equation for entry in gradients.backward)]
    for layout in LAYOUTS:
        for equation in equations:
            axes = equation.left.axes
            matrix = arrange(equation.right, layout, axes)
            if len(axes) > 2:
                continue  # no matrix form: it is evaluated in index notation
            found = MatrixEvaluation(named)(matrix)
            expected = laid_out(named(equation.left), axes, matrix.sides)
            error = relative_error(found.reshape(expected.shape), expected, 0.0)
            yield CheckResult(f"matrix form, samples in {layout}", error, 1e-12, equation.left.name)


def _rewrites(
    formulation: Formulation, gradients: Gradients, values: Values
) -> Iterator[CheckResult]:
    named = _backward(formulation, gradients, values)
    for entry in gradients.backward:
        for rewrite in entry.rewrites:
            axes = entry.left.axes
            before = named.spread(rewrite.before, axes)
            after = named.spread(rewrite.after, axes)
            error = relative_error(after, before, 0.0)
            yield CheckResult("rewrites", error, 1e-12, f"{entry.left.name}: {rewrite.name}")


def random_values(network: Network, seed: int, samples: int = 5) -> dict[str, Array]:
    """Draw parameters, X, targets, weights w and penalty strengths, away from every kink.

    They are mapped by name: X is (samples, inputs), targets (samples, outputs), w (samples,).
    Raises ``InputError`` where none of 1000 draws is far enough from every kink.
    """
    formulation = network.formulation()
    for attempt in range(1000):
        generator = np.random.default_rng([seed, attempt])
        values = _draw(network, generator, samples)
        if _is_tame(formulation, values):
            return values
    raise InputError(
        f"verify: no batch of {samples} samples is {KINK_MARGIN:g} away from every kink of "
        f"{network}; ask for fewer samples or verify a smaller network of the same kind"
    )


def _draw(network: Network, generator: np.random.Generator, samples: int) -> dict[str, Array]:
    parameters = network.initialize(int(generator.integers(2**31)))
    values: dict[str, Array] = {name: np.array(array) for name, array in parameters.items()}
    for name, array in values.items():
        if name.startswith("b"):
            values[name] = generator.normal(0.0, 0.5, array.shape)
        # L1 has a kink at every weight of 0: with many weights some would always be near one.
        near = np.abs(values[name]) < 2 * KINK_MARGIN
        values[name] = np.where(near, np.copysign(2 * KINK_MARGIN, values[name]), values[name])
    for name, node in zip(network.input_names, network.inputs, strict=True):
        if isinstance(node.layer, CategoryLayer):
            values[name] = generator.integers(node.width, size=samples).astype(float)
        else:
            values[name] = generator.normal(size=(samples, node.width))
    for head, name in enumerate(network.target_names):
        values[name] = random_targets(network, generator, samples, head)
    values["w"] = generator.uniform(0.5, 2.0, samples)
    for symbol, distribution in network.draws.items():
        values[symbol.name] = distribution.random(
            generator, (samples, network.sizes[symbol.axes[-1]])
        )
    constants = {name: np.asarray(value) for name, value in network.constants.items()}
    return {**values, **constants}


def random_targets(
    network: Network, generator: np.random.Generator, samples: int, head: int = 0
) -> Array:
    """Draw targets that a head's loss is defined for, (samples, outputs)."""
    shape = (samples, network.outputs[head].width)
    form = network.forms[head]
    if form.shares:
        return generator.dirichlet(np.ones(shape[1]), samples)
    draws: list[tuple[float, Callable[[], Array]]] = [
        (-1.0, lambda: generator.normal(size=shape)),
        (0.0, lambda: generator.poisson(2.0, shape).astype(float)),
    ]
    if 2.0 not in form.targets:
        return generator.uniform(0.0, 1.0, shape)
    for probe, draw in draws:
        if probe in form.targets:
            return draw()
    return generator.gamma(2.0, 1.0, shape) + 0.1


def _is_tame(formulation: Formulation, values: Values) -> bool:
    """Whether the batch is far from every kink and no value is so large that digits are lost."""
    evaluation = Forward(formulation, values).at({})
    largest = max(
        np.max(np.abs(evaluation(equation.left)), initial=0.0)
        for equation in formulation.equations
        if equation.left.axes or equation.left == formulation.data_loss
    )
    return bool(largest < LARGEST) and distance_from_kinks(formulation, values) >= KINK_MARGIN


def distance_from_kinks(formulation: Formulation, values: Values) -> float:
    """Return the smallest distance of the batch from a kink that depends on a parameter."""
    varying = depends(formulation.equations, formulation.parameters)
    evaluation = Forward(formulation, values).at({}, form="value")
    nearest = np.inf
    for equation in formulation.equations:
        for margin in margins(equation.right, varying):
            distances = np.abs(evaluation(margin))
            nearest = min(nearest, float(np.min(distances, initial=np.inf)))
    return nearest
