"""The names of a network's values: every spelling that a learner may use, and the nearest one.

A value is known by a *key*, the name that the derivation of one sample prints: ``z_h``, ``δ_o``,
``∂Loss/∂W_ho``, ``W_ho``; ``W_ho new`` is the parameter after the update.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cached_property

from chainrule.errors import nearest
from chainrule.formulas.expressions import Number, children
from chainrule.language.refusals import LONGEST, Refusal, unknown
from chainrule.marking.syntax import in_latin
from chainrule.marking.update_equations import Updating
from chainrule.network import activations
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, Adam, Optimizer

LOSS = "Loss"
_LOSSES = ("Loss", "L", "E", "C", "J", "MSE", "cost", "error", "loss_value")
_RATES = ("alpha", "α", "eta", "η", "lr", "learning_rate", "rate")
_OUTPUTS = ("y_hat", "yhat", "ŷ", "y_pred", "ypred", "y_p", "output", "prediction")
_TARGETS = ("Y", "Y_t", "yt", "t", "target", "targets", "y_true", "ytrue")
_SAMPLES = ("B", "m", "N", "batch_size", "n_samples", "B_size")
_SLOPES = ("_prime", "_derivative", "_deriv", "_slope", "_grad")
_ANY_FUNCTION = ("f", "g", "φ", "phi", "act", "activation")
_INDICES = "ijkb"
_OTHERS = (
    (SGD(momentum=0.9), ("optimizer=cr.SGD(momentum=0.9)", "--momentum 0.9")),
    (Adam(), ('optimizer="adam"', "--optimizer adam")),
)
"""Optimizers whose names are known even where they are not asked for, and how to ask for them."""


class Vocabulary:
    """The spellings of one network's values.

    >>> names = Vocabulary(Network.dense([2, 3, 1]))
    >>> names.key("W2"), names.key("dW_ho"), names.key("deltao"), names.key("W_ho_new")
    ('W_ho', '∂Loss/∂W_ho', 'δ_o', 'W_ho new')
    """

    def __init__(self, network: Network, optimizer: Optimizer | None = None) -> None:
        self.network = network
        self.updating = Updating(SGD() if optimizer is None else optimizer)

    # -- what values there are -----------------------------------------------------------------

    @cached_property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Every value that can be differentiated by, by its key, with its spellings."""
        network, names = self.network, self.network.names
        last = len(network.layers) - 1
        found: dict[str, tuple[str, ...]] = {"X": ("X", "input", "inputs", "a_0", "a0")}
        if names.joined:
            found["X"] += ("a_i", "X_i")
        for layer in range(1, last + 1):
            place = names.places[layer]
            ends = [place, str(layer)] if names.joined else [place]
            single = last == 1
            for letter in "Wb":
                key = names.parameter(letter, layer)
                spelled = [key, f"{letter}_{layer}"]
                if names.joined and letter == "b":
                    spelled.append(f"b_{place}")
                found[key] = (*spelled, *([letter] if single else []))
            z = [f"{start}_{end}" for start in ("z", "net") for end in ends]
            a = [f"{start}_{end}" for start in ("a", "out") for end in ends]
            if layer == last:
                a += _OUTPUTS
            found[f"z_{place}"] = (*z, *(["z"] if single else []))
            found[f"a_{place}"] = (*a, *(["a"] if single else []))
        return found

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every spelling as it is typed, with the key it stands for."""
        found: dict[str, str] = {}

        def spell(key: str, words: Iterable[str]) -> None:
            for word in words:
                for variant in dict.fromkeys((word, word.replace("_", ""))):
                    found.setdefault(variant, key)

        spell(LOSS, _LOSSES)
        spell("α", _RATES)
        # The optimizer's own letters first: its t counts steps, its m is no number of samples.
        for letter, words in self.updating.spelled_constants(tuple(self.network.strengths)):
            spell(letter, words)
        kept = {memory.name for memory in self.updating.optimizer.memory}
        spell("Y", _TARGETS)
        spell("B", (word for word in _SAMPLES if word not in kept))
        spell("n", ("n", "n_o"))
        spell("e", ("e",))
        spell("π", ("π", "pi"))
        for constant in constants(self.network):
            spell(constant.name, (constant.name,))
        if self.network.penalties:
            spell("DataLoss", ("DataLoss", "data_loss"))
        for letter in self.network.strengths:
            spell(letter, (letter, "lambda" if letter == "λ" else "lambda_1"))
        for key, words in self.values.items():
            spell(key, words)
            if key[0] in "Wb":
                for word in words:
                    spell(f"{key} new", (f"{word}_new", f"new_{word}", f"{word}_next"))
                    spell(key, (f"{word}_old", f"old_{word}"))
        for key, words in self.updating.spelled_memory(self.parameters):
            spell(key, words)
            if "_hat_" not in key:
                spell(f"{key} new", (f"{word}_new" for word in words))
                spell(f"{key} old", (f"{word}_old" for word in words))
        for key, words in self.values.items():
            cotangent = self.cotangent(key)
            starts = ["d", "d_", "grad_", "∇", "nabla_", "g_"]
            starts += [f"d{loss}_d" for loss in _LOSSES] + [f"d{loss}d" for loss in _LOSSES]
            for start in starts:
                spell(cotangent, (f"{start}{word}" for word in words))
            if key.startswith("z_"):
                ends = [word[2:] for word in words if word.startswith("z_")]
                for start in ("δ_", "delta_", "Delta_"):
                    spell(cotangent, (f"{start}{end}" for end in ends))
                if len(self.network.layers) == 2:
                    spell(cotangent, ("δ", "delta"))
        return found

    @property
    def parameters(self) -> dict[str, tuple[str, ...]]:
        """The parameters by their keys, with their spellings."""
        return {key: words for key, words in self.values.items() if key[0] in "Wb"}

    @cached_property
    def _folded(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for word, key in self.spellings.items():
            found.setdefault(word.casefold(), key)
        return found

    def cotangent(self, key: str) -> str:
        """Return the key of ∂Loss/∂(a value)."""
        return f"δ_{key[2:]}" if key.startswith("z_") else f"{'∂' + LOSS}/∂{key}"

    # -- what reading asks ---------------------------------------------------------------------

    def key(self, text: str) -> str | None:
        """Return the key that a word stands for; an index letter at its end may be one too many."""
        for word in self._forms(text):
            found = self.spellings.get(word) or self._folded.get(word.casefold())
            if found is not None:
                return found
        return None

    def _forms(self, text: str) -> Iterator[str]:
        yield text
        yield text.replace("_", "")
        short = text
        # y_ti and a_oi of a sum over i, y_t,bi of one over b and i: the letters run, names stay.
        for _ in range(2):
            if len(short) > 2 and short[-1] in _INDICES:
                short = short[:-1].rstrip("_")
                yield short

    def differential(self, text: str) -> str | None:
        """Return the key of what stands behind ∂ or d."""
        key = self.key(text)
        return key if key == LOSS or key in self.values else None

    def quotient(self, above: str, below: str) -> str | None:
        """Return the key of ∂Loss/∂below, None where ``above`` is no loss."""
        inner = self.differential(below)
        if self.differential(above) != LOSS or inner is None:
            return None
        return self.cotangent(inner)

    def function(self, text: str) -> str | None:
        """Return the activation that a word means, ``f`` for the layer's own, or a slope."""
        name = text.casefold()
        if name in ("σ", "logistic"):
            name = "sigmoid"
        if name in _ANY_FUNCTION:
            return "f"
        if name in activations.CATALOGUE:
            return name
        if name in activations.ALIASES:
            return activations.ALIASES[name]
        for end in _SLOPES:
            if name.endswith(end):
                inner = self.function(name.removesuffix(end))
                return None if inner is None else f"{inner} slope"
        start = re.match(r"d_?(?=\w\w)", name)
        inner = self.function(name[start.end() :]) if start else None
        return None if inner is None or " " in inner else f"{inner} slope"

    def unknown(self, text: str) -> Refusal:
        """Return the error for a word that is nobody's name, with the nearest one."""
        bare = text[:-1].rstrip("_")
        if text[-1:] == "T" and self.key(bare) is not None:
            return Refusal("unknown_transpose", name=(text,), bare=(bare,), guess=(f"{bare}.T",))
        found = self._unknown_memory(text)
        if found is not None:
            return found
        guess = nearest(
            text, [*self.spellings, *activations.CATALOGUE, "dot", "sum", "mean", "exp", "outer"]
        )
        # Of a deep network not all are listed: the nearest come first.
        likest = SequenceMatcher(b=text)

        def likeness(name: str) -> float:
            likest.set_seq1(name)
            return likest.ratio()

        names = self.shown()
        if len(names) > LONGEST:
            names.sort(key=likeness, reverse=True)
        return unknown("name", text, guess, tuple(names))

    def _unknown_memory(self, text: str) -> Refusal | None:
        """Return the error for an optimizer's v without its parameter, or without its optimizer."""
        memory = [typed(key) for key, _ in self.updating.spelled_memory(self.parameters)]
        own = [name for name in memory if re.fullmatch(rf"{re.escape(text)}_[Wb]_\w+", name)]
        if own:
            return Refusal("unknown_parameter", name=(text,), guess=tuple(own[:2]))
        if self.updating.letters:
            return None
        for other, written in _OTHERS:
            vocabulary = Vocabulary(self.network, other)
            key = vocabulary.key(text) or vocabulary.key(f"{text}_{next(iter(self.parameters))}")
            if key and (vocabulary.updating.is_memory(key) or key in vocabulary.updating.letters):
                python, options = written
                return Refusal("unknown_optimizer", name=(text,), python=python, options=options)
        return None

    def shown(self) -> list[str]:
        """Return the names that are offered: one spelling of each value, in ASCII."""
        keys = [*self.values, *map(self.cotangent, self.values)]
        return [typed(key) for key in keys if key != self.cotangent("X")] + [
            *("Y_t" if self.network.names.joined else "Y", LOSS, "alpha", "n", "B"),
            *(typed(key) for key, _ in self.updating.spelled_memory(self.parameters)),
            *map(typed, self.updating.letters),
        ]


def constants(network: Network) -> list[Number]:
    """Return the numbers that the network's activations call by a name, such as selu's λ_s."""
    found: dict[str, Number] = {}
    for activation in network.activations:
        pending = [formula for formula in (activation.value, activation.slope) if formula]
        while pending:
            node = pending.pop()
            if isinstance(node, Number) and node.name not in ("", "π"):
                found[node.name] = node
            pending.extend(children(node))
    return list(found.values())


def typed(key: str) -> str:
    """Return a key as it is typed in a program.

    >>> typed("δ_o"), typed("∂Loss/∂W_ho"), typed("α"), typed("W_ho new")
    ('delta_o', 'dW_ho', 'alpha', 'W_ho_new')
    """
    return in_latin(key).replace(" ", "_")
