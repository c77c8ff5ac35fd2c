"""Lists with an entry for each layer: which layer weights[-1], a[l + 1] or zs[0] is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_LETTERS = {
    **dict.fromkeys(("W", "w", "Ws", "weights", "weight", "theta", "Theta", "thetas"), "W"),
    **dict.fromkeys(("b", "bs", "biases", "bias"), "b"),
    **dict.fromkeys(("a", "A", "activations", "acts", "as_", "activation_values"), "a"),
    **dict.fromkeys(("z", "Z", "zs", "Zs", "nets", "pre_activations"), "z"),
    **dict.fromkeys(("delta", "deltas", "dZ", "dz", "dZs", "dzs"), "delta"),
    **dict.fromkeys(("dW", "dw", "dWs", "nabla_w", "nabla_W", "grad_W", "grads_W", "grad_w"), "dW"),
    **dict.fromkeys(("db", "dbs", "nabla_b", "grad_b", "grads_b"), "db"),
    **dict.fromkeys(("dA", "da", "dAs"), "da"),
}
_OF_PARAMETERS = ("W", "b", "dW", "db")
_WITH_INPUTS = ("a", "da")
"""The lists whose first entry is the input layer; others have one for each layer of weights."""
_COUNTS = ("L", "n_layers", "nlayers", "number_of_layers", "layer_count")
_COUNTS_WITH_INPUTS = ("num_layers",)
_TABLES_OF_GRADIENTS = ("grads", "grad", "gradients", "gradient", "dparams")
_ENTRY = re.compile(r"(?<![\w.])(?:self\.)?([A-Za-z]\w*)\[\s*(-?\d{1,3})\s*\]")
_EXPLICIT = re.compile(r"(\w+)\[\s*f?['\"]d")


def explicit_tables(text: str) -> frozenset[str]:
    """Return the tables of a program in which some key begins with d.

    >>> sorted(explicit_tables('grads["dW1"] = grads["Z1"]; cache["A1"]'))
    ['grads']
    """
    return frozenset(_EXPLICIT.findall(text))


def with_entries(line: str, lists: "LayerLists", is_name: Callable[[str], bool]) -> str:
    """Return a line with the names of layers in place of nabla_w[-1] and activations[0].

    Without a program only entries are read that are the same wherever a list begins: those from
    the end, and those of activations.  What ``is_name`` knows is a matrix, not a list.

    >>> lists = LayerLists(2, 0)
    >>> with_entries("nabla_w[-1] = delta @ activations[-2].T", lists, lambda name: False)
    'dW_2 = delta @ a_1.T'
    >>> with_entries("W[0] = z[-1]", lists, lambda name: name == "z")
    'W[0] = z[-1]'
    """

    def named(match: re.Match[str]) -> str:
        name, index = match[1], int(match[2])
        is_stated = index < 0 or _LETTERS.get(name) in _WITH_INPUTS
        found = lists.name(name, index) if is_stated and not is_name(name) else None
        return match[0] if found is None else found

    return _ENTRY.sub(named, line)


@dataclass(frozen=True)
class LayerLists:
    """The lists of a network with ``count`` layers of weights.

    ``first`` is the index of the first layer's entry in lists without the inputs: 0, or 1 where
    the entry 0 is not used.  The first entry of activations is always the input.  In the tables
    ``explicit`` keys begin with d where they are derivatives: grads["Z2"] is not dZ2 beside "dW2".
    Names have the numbers of a convention in which that of the input layer is ``inputs``, and that
    of the first weights ``weights``.

    >>> lists = LayerLists(3, 0)
    >>> lists.name("weights", 0), lists.name("a", 0), lists.name("zs", -1)
    ('W_1', 'a_0', 'z_3')
    >>> LayerLists(3, 1).name("W", 1), lists.name("W", 3), lists.name("image", 0)
    ('W_1', None, None)
    >>> of_nielsen = LayerLists(3, 0, inputs=1, weights=2)
    >>> of_nielsen.name("weights", 0), of_nielsen.name("activations", 0), of_nielsen.name("zs", -1)
    ('W_2', 'a_1', 'z_4')
    """

    count: int
    first: int
    explicit: frozenset[str] = frozenset()
    inputs: int = 0
    weights: int = 1

    def has(self, name: str) -> bool:
        """Return whether a name is that of a list of layers."""
        return name in _LETTERS

    def holds(self, name: str) -> bool:
        """Return whether a name is that of a list of layers or of a table of gradients."""
        return self.has(name) or name in _TABLES_OF_GRADIENTS

    def name(self, name: str, index: int) -> str | None:
        """Return the name of an entry, None where there is no such list or no such layer."""
        letter = _LETTERS.get(name)
        if letter is None:
            return None
        with_inputs = letter in _WITH_INPUTS
        if index < 0:
            layer = self.count + 1 + index
        else:
            layer = index if with_inputs else index + 1 - self.first
        lowest = 0 if with_inputs else 1
        if not lowest <= layer <= self.count:
            return None
        is_parameter = letter in _OF_PARAMETERS
        return f"{letter}_{layer + (self.weights - 1 if is_parameter else self.inputs)}"

    def length(self, name: str) -> int | None:
        """Return the length of a list, None for another name."""
        letter = _LETTERS.get(name)
        if letter is None:
            return None
        return self.count + (1 if letter in _WITH_INPUTS else self.first)

    def layers(self, name: str) -> int | None:
        """Return the count of layers that a name stands for."""
        if name in _COUNTS:
            return self.count
        return self.count + 1 if name in _COUNTS_WITH_INPUTS else None

    def entry(self, table: str, key: str) -> str:
        """Return the name of a table's entry: grads["W2"] is dW2, cache["A1"] is A1."""
        is_gradient = table in _TABLES_OF_GRADIENTS and not re.match("[dgδ∇]", key)
        return ("d" if is_gradient and table not in self.explicit else "") + key
