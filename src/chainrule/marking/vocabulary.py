"""The names of a network's quantities: every accepted spelling, and the nearest one for a typo."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from chainrule.formulas.expressions import Expression, Number, children
from chainrule.language.refusals import Refusal
from chainrule.marking.convention_names import delta_of, stated_words
from chainrule.marking.grammar import ActivationName
from chainrule.marking.name_styles import in_style_of
from chainrule.marking.quantities import (
    DATA_LOSS,
    ERROR,
    EULER,
    INPUTS,
    LEARNING_RATE,
    LOSS,
    OUTPUT_COUNT,
    PI,
    SAMPLE_COUNT,
    TARGETS,
    Quantity,
    Role,
    applied_activations,
    constant,
    cotangent,
    differentiable,
    formulation_of,
    in_latin,
    lengths,
    losses_of_outputs,
    other_given,
    outputs,
    partial,
    step_of,
    targets,
)
from chainrule.marking.stated_conventions import OWN, Convention
from chainrule.marking.unknown_names import UnknownNames
from chainrule.marking.update_equations import UpdateRule
from chainrule.marking.usual_names import (
    ERRORS,
    FIRST_BIASES,
    FIRST_WEIGHTS,
    HIDDEN,
    HIDDEN_DELTAS,
    HIDDEN_SUMS,
    JACOBIANS,
    LOSSES,
    NUMBERED,
    OUTPUT_DELTAS,
    OUTPUT_SUMS,
    OUTPUTS,
    SECOND_BIASES,
    SECOND_WEIGHTS,
    Meanings,
    loose_names,
)
from chainrule.network import activations
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, Optimizer

_RATES = ("alpha", "α", "eta", "η", "lr", "learning_rate", "rate")
_TARGETS = ("Y", "Y_t", "yt", "t", "target", "targets", "y_true", "ytrue")
_SAMPLES = ("B", "m", "N", "batch_size", "n_samples", "B_size", "num_examples")
_DERIVATIVE_SUFFIXES = (
    *("_prime", "_derivative", "_deriv", "_slope", "_grad", "_gradient", "_backward"),
    *("prime", "derivative", "deriv", "gradient"),
)
_ANY_ACTIVATION = ("f", "g", "φ", "phi", "act", "activation")
_INDEX_LETTERS = "ijkb"
_COTANGENT_PREFIXES = (
    *("d", "d_", "grad_", "∇", "nabla_", "g_", "grad"),
    *(f"d{loss}_d" for loss in LOSSES),
    *(f"d{loss}d" for loss in LOSSES),
)


class Vocabulary:
    """The spellings of one network's quantities.

    >>> names = Vocabulary(Network.dense([2, 3, 1]))
    >>> print(*map(names.quantity, ("W2", "dW_ho", "deltao", "W_ho_new")))
    W_ho ∂Loss/∂W_ho δ_o W_ho_new
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer | None = None,
        meanings: Meanings = ("a", "a"),
        convention: Convention = OWN,
    ) -> None:
        self.network, self.meanings, self.convention = network, meanings, convention
        self.rule = UpdateRule(SGD() if optimizer is None else optimizer)

    # -- spellings -----------------------------------------------------------------------------

    @cached_property
    def values(self) -> dict[Quantity, tuple[str, ...]]:
        """Every quantity that the loss can be differentiated by, with its spellings."""
        names, predicted = self.network.names, outputs(self.network)
        first = self.convention.input_layer
        numbers = {label: str(layer + first) for layer, label in enumerate(names.labels)}
        found: dict[Quantity, tuple[str, ...]] = {}
        for quantity in differentiable(self.network):
            letter, _, end = quantity.symbol.partition("_")
            words = [self._renumbered(quantity)]
            if quantity.role is Role.INPUT:
                words += self._spelled_inputs(quantity)
            elif quantity.is_parameter:
                if names.joined:  # W_ih leads to layer 1, and b_h is b_ih
                    number = int(numbers[end[1:]]) - (self.convention.weights_numbered == "from")
                    words.append(f"{letter}_{number}")
                    words += [f"b_{end[1:]}"] if letter == "b" else []
            else:
                ends = [end, numbers[end]] if names.joined else [words[0][2:]]
                starts = {"z": ("z", "net"), "a": ("a", "out")}.get(letter, (letter,))
                words = [f"{start}_{each}" for start in starts for each in ends]
                words += OUTPUTS if quantity in predicted[:1] else ()
            words += self._usual(quantity)
            words += [in_latin(word) for word in words if in_latin(word) != word]
            # The letter alone is unambiguous in a network of one layer.
            alone = self._one_layer and quantity.role is not Role.INPUT
            found[quantity] = (*words, *([letter] if alone else []))
        return found

    def _renumbered(self, quantity: Quantity) -> str:
        """Return the name of a quantity with the number that its layer has in the convention."""
        letter, _, end = quantity.symbol.partition("_")
        if not (self.convention.renumbers and self.network.is_dense and end.isdigit()):
            return quantity.symbol
        comes_from = quantity.is_parameter and self.convention.weights_numbered == "from"
        return f"{letter}_{int(end) + self.convention.input_layer - comes_from}"

    def _usual(self, quantity: Quantity) -> tuple[str, ...]:
        """Return the names that programs give to a quantity of a network with one hidden layer."""
        if not self._one_hidden_layer:
            return ()
        comes_from = self.convention.weights_numbered == "from"
        first = 1 + self.convention.input_layer - comes_from
        names: dict[str, tuple[str, ...]] = {
            **{"a_h": HIDDEN, "z_h": HIDDEN_SUMS, "z_o": OUTPUT_SUMS},
            **{"b_ih": FIRST_BIASES, "b_ho": SECOND_BIASES},
            "W_ih": (*FIRST_WEIGHTS, *(f"{word}{first}" for word in NUMBERED)),
            "W_ho": (*SECOND_WEIGHTS, *(f"{word}{first + 1}" for word in NUMBERED)),
        }
        return names.get(quantity.symbol, ())

    @property
    def _one_hidden_layer(self) -> bool:
        symbols = {quantity.symbol for quantity in differentiable(self.network)}
        return self.network.is_dense and len(self.network.layers) == 3 and "W_ho" in symbols

    @property
    def _one_layer(self) -> bool:
        return self.network.is_dense and len(self.network.layers) == 2

    def _spelled_inputs(self, quantity: Quantity) -> list[str]:
        if quantity != INPUTS:
            return []
        joined = ("a_i", "X_i") if self.network.names.joined else ()
        number = self.convention.input_layer
        return ["input", "inputs", f"a_{number}", f"a{number}", *joined]

    @cached_property
    def spellings(self) -> dict[str, Quantity]:
        """Every spelling with its quantity; the first meaning of a spelling has priority."""
        found: dict[str, Quantity] = {}
        for quantity, words in self._spelled():
            for word in words:
                for variant in (word, word.replace("_", "")):
                    found.setdefault(variant, quantity)
        return found

    def _spelled(self) -> Iterator[tuple[Quantity, Iterable[str]]]:
        """Yield quantities with spellings, in the order of priority."""
        stated = self._stated
        for quantity, words in stated:
            yield quantity, words
            if quantity.is_parameter:
                yield from self._spelled_steps(quantity, words)
        for quantity, words in stated:
            if quantity in self.values:
                yield from self._spelled_derivatives(quantity, words)
        yield LOSS, LOSSES
        yield LEARNING_RATE, _RATES
        # The optimizer's letters have priority: its t counts steps, its m is not a sample count.
        yield from self.rule.spelled_constants(tuple(self.network.strengths))
        memory_names = {symbol.name for symbol in self.rule.optimizer.memory}
        if len(self.network.target_names) == 1:
            yield TARGETS, _TARGETS
        else:
            for name, quantity in targets(self.network).items():
                yield quantity, (name,)
        yield SAMPLE_COUNT, (word for word in _SAMPLES if word not in memory_names)
        yield OUTPUT_COUNT, ("n", "n_o")
        yield EULER, ("e",)
        yield PI, ("π", "pi")
        for quantity in lengths(self.network):
            ended = re.sub(r"(?<=_h)(?=\d)", "_", quantity.symbol)  # n_{h_{1}}
            yield quantity, (quantity.symbol, ended)
        for number in named_numbers(self.network):
            latin = in_latin(number.name)
            yield constant(number.name), (number.name, latin, latin.replace("epsilon", "eps"))
        if self.network.penalties:
            yield DATA_LOSS, ("DataLoss", "data_loss")
        for quantity in losses_of_outputs(self.network):
            end = quantity.symbol.removeprefix(f"{LOSS}_")
            yield quantity, (quantity.symbol, *(f"{letter}_{end}" for letter in ("L", "J")))
            yield from self._spelled_derivatives(quantity, (quantity.symbol,))
        for quantity in other_given(self.network):
            yield quantity, (quantity.symbol, in_latin(quantity.symbol))
        for letter in self.network.strengths:
            yield constant(letter), (letter, "lambda" if letter == "λ" else "lambda_1")
        for quantity, words in self.values.items():
            yield quantity, words
            if quantity.is_parameter:
                yield from self._spelled_steps(quantity, words)
        for quantity, words in self.rule.spelled_memory(self.parameters):
            yield quantity, words
            if quantity.role is Role.MEMORY:
                yield quantity.updated, (f"{word}_new" for word in words)
                yield quantity.previous, (f"{word}_old" for word in words)
        for applied in applied_activations(self.network):
            if applied.function.slope is None:
                yield partial(applied.output, applied.argument), JACOBIANS
        if self._one_hidden_layer:
            by_symbol = {quantity.symbol: quantity for quantity in self.values}
            for letter, is_output, words in loose_names(self.meanings):
                yield cotangent(by_symbol[f"{letter}_{'o' if is_output else 'h'}"]), words
        for quantity, words in self.values.items():
            yield from self._spelled_derivatives(quantity, words)
            if quantity in outputs(self.network)[:1]:
                yield cotangent(quantity), ("∇a",)
            if quantity.role is Role.PRE_ACTIVATION:
                delta = delta_of(self.convention, quantity)
                ends = [word[2:] for word in words if word.startswith("z_")]
                for start in ("δ_", "delta_", "Delta_"):
                    yield delta, (f"{start}{end}" for end in ends)
                if self._one_layer:
                    yield delta, ("δ", "delta")
                if self._one_hidden_layer:
                    is_output = quantity.symbol == "z_o"
                    yield delta, OUTPUT_DELTAS if is_output else HIDDEN_DELTAS

    @cached_property
    def _stated(self) -> list[tuple[Quantity, tuple[str, ...]]]:
        """The names that the convention states."""
        if not self.convention.own_names:
            return []
        plain = replace(self.convention, names=())
        own = Vocabulary(self.network, self.rule.optimizer, self.meanings, plain)
        return list(
            stated_words(self.convention, self.values, outputs(self.network)[0], own.quantity)
        )

    def _spelled_steps(
        self, parameter: Quantity, words: Iterable[str]
    ) -> Iterator[tuple[Quantity, Iterable[str]]]:
        """Yield a parameter after and before the step, and the step, with their spellings."""
        for word in words:
            yield parameter.updated, (f"{word}_new", f"new_{word}", f"{word}_next")
            yield parameter, (f"{word}_old", f"old_{word}")
        for word in words:
            yield step_of(parameter), (f"Δ{word}", f"Delta_{word}", f"delta_{word}")

    def _spelled_derivatives(
        self, quantity: Quantity, words: Iterable[str]
    ) -> Iterator[tuple[Quantity, Iterable[str]]]:
        """Yield the derivative by a quantity with its spellings."""
        derivative = cotangent(quantity)
        for start in _COTANGENT_PREFIXES:
            yield derivative, (f"{start}{word}" for word in words)
        for end in ("_grad", "_gradient", "_derivative"):
            yield derivative, (f"{word}{end}" for word in words)
        if quantity.is_parameter:
            yield derivative, (f"g{word}" for word in words)

    @property
    def parameters(self) -> dict[Quantity, tuple[str, ...]]:
        """The parameters with their spellings."""
        return {key: words for key, words in self.values.items() if key.is_parameter}

    @cached_property
    def _folded(self) -> dict[str, Quantity]:
        """The spellings without regard to case."""
        found: dict[str, Quantity] = {}
        for word, quantity in self.spellings.items():
            found.setdefault(word.casefold(), quantity)
        return found

    # -- lookup --------------------------------------------------------------------------------

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity with a name, which may end in surplus index letters."""
        for word in self._forms(text):
            found = self.spellings.get(word) or self._folded.get(word.casefold())
            if found is not None:
                return found
        return None

    def _forms(self, text: str) -> Iterator[str]:
        yield text
        yield text.replace("_", "")
        short = text
        # Summation indices: y_ti and a_oi in a sum over i, y_t,bi in a sum over b and i.
        for _ in range(2):
            if len(short) > 2 and short[-1] in _INDEX_LETTERS:
                short = short[:-1].rstrip("_")
                yield short

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""
        quantity = self.quantity(text)
        is_loss = quantity is not None and quantity.role is Role.LOSS
        return quantity if is_loss or quantity in self.values else None

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the quantity ∂Loss/∂below, None unless ``above`` is the loss."""
        inner = self.differentiable(below)
        if self.differentiable(above) != LOSS or inner is None:
            return None
        return cotangent(inner)

    def function(self, text: str) -> ActivationName | None:
        """Return the activation with a name (``f`` for that of the layer), or its derivative."""
        name = re.sub(r"_\d+$", "", text.casefold())
        if name in ("σ", "logistic", "expit", "sigm", "logsig"):
            name = "sigmoid"
        if name in _ANY_ACTIVATION:
            return ActivationName("f")
        if name in activations.CATALOGUE:
            return ActivationName(name)
        if name in activations.ALIASES:
            return ActivationName(activations.ALIASES[name])
        for suffix in _DERIVATIVE_SUFFIXES:
            if name.endswith(suffix):
                inner = self.function(name.removesuffix(suffix))
                return None if inner is None else ActivationName(inner.name, True)
        prefix = re.match(r"d_?(?=\w\w)", name)
        inner = self.function(name[prefix.end() :]) if prefix else None
        return None if inner is None or inner.derivative else ActivationName(inner.name, True)

    def needs_layer(self, text: str) -> bool:
        """Return whether a name is one only with the number of a layer: w^2; b, not the count B."""
        return text not in self.spellings and (text == "b" or self.quantity(text) is None)

    def is_error(self, text: str) -> bool:
        """Return whether a name is one that programs give to the difference a − y."""
        return text.casefold() in ERRORS

    def error(self, text: str) -> Quantity | None:
        """Return the difference of output and target, if the name is one of its names."""
        has_one = len(self.network.target_names) == 1
        return ERROR if has_one and self.is_error(text) else None

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return the name of a quantity that is spelled as other names, None without one.

        >>> Vocabulary(Network.dense([2, 3, 1])).in_style(cotangent(INPUTS), ["dZ1", "A1"])
        'da0'
        """
        stated = next((words[0] for known, words in self._stated if known == quantity), None)
        if quantity.role in (Role.CONSTANT, Role.INPUT, Role.TARGET, Role.LOSS):
            return stated
        words = [word for word, known in self.spellings.items() if known == quantity]
        return in_style_of(words, texts)

    # -- unknown names -------------------------------------------------------------------------

    def unknown(self, text: str) -> Refusal:
        """Return the error for an unknown name, with the nearest known one."""
        return self._unknown.error(text)

    @cached_property
    def _unknown(self) -> UnknownNames:
        return UnknownNames(self, lambda optimizer: Vocabulary(self.network, optimizer))

    def listed(self) -> list[str]:
        """Return the names that messages list: one ASCII spelling of each quantity."""
        values = [*self.values, *map(cotangent, self.values)]
        return [
            *(quantity.typed for quantity in values if quantity != cotangent(INPUTS)),
            *("Y_t" if self.network.names.joined else "Y", LOSS.typed, "alpha", "n", "B"),
            *(quantity.typed for quantity, _ in self.rule.spelled_memory(self.parameters)),
            *(constant(letter).typed for letter in self.rule.letters),
        ]


def named_numbers(network: Network) -> list[Number]:
    """Return the numbers with names in the network's formulas, such as selu's λ_s."""
    found: dict[str, Number] = {}
    formulas: list[list[Expression]] = [
        [formula for formula in (function.value, function.slope) if formula]
        for function in network.activations
    ]
    formulas += [[equation.right] for equation in formulation_of(network).equations]
    for pending in formulas:
        while pending:
            node = pending.pop()
            if isinstance(node, Number) and node.name not in ("", "π"):
                found[node.name] = node
            pending.extend(children(node))
    return list(found.values())
