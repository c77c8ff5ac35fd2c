"""The source page, line by line: a 2-3-1 sigmoid network with MSE, derived for one sample.

The page leaves "•×" open ("transpose what follows; work out the side from the shapes").  Here each
of its lines is compared with what the derivation prints, every "•×" resolved.  A second network,
3-5-2 with tanh, is printed, read back by a parser that knows nothing of chainrule, evaluated, and
compared with PyTorch: nothing that is printed was typed in.
"""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.derivation.derivation import Derivation
from chainrule.errors import MissingRule
from chainrule.formulas import differentiate as rules
from chainrule.formulas.functions import Function
from tests.golden.reading import Reader

# The page's line, and the line that the derivation prints for it.
PAGE = [
    # Loss = MSE = Σ 1/n (y_ti − a_oi)²
    "Loss = Σ_{i=1}^{n} (1/n)(y_ti − a_oi)²",
    # ∂Loss/∂a_o = −2/n (Y_t − a_o)
    "∂Loss/∂a_o = −(2/n)(Y_t − a_o)",
    # f(z) = 1/(1 + e^−z)
    "a = 1/(1 + e^(−z))",
    # f'(z) = (−1) × 1/(1+e^−z)² × e^−z (−1) = f² × (1/f − 1) = a(1 − a)
    "∂a/∂z = (−1) × 1/(1 + e^(−z))² × e^(−z) × (−1)",
    "∂a/∂z = a²(1/a − 1)",
    "∂a/∂z = a(1 − a)",
    # 1 (1) ∂Loss/∂W_ho = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂W_ho
    "∂Loss/∂W_ho = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂W_ho",
    #       = −2/n (Y_t − a_o) × a_o (1 − a_o) × a_h
    "∂Loss/∂W_ho = −(2/n) a_hᵀ ((Y_t − a_o) ⊙ a_o ⊙ (1 − a_o))",
    # ∂Loss/∂b_ho = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂b_ho = −2/n (Y_t − a_o) × a_o (1 − a_o)
    "∂Loss/∂b_ho = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂b_ho",
    "∂Loss/∂b_ho = −(2/n)(Y_t − a_o) ⊙ a_o ⊙ (1 − a_o)",
    # (2) W_ho = W_ho − α × ∂Loss/∂W_ho and b_ho likewise
    "W_ho ← W_ho − α ∂Loss/∂W_ho",
    "b_ho ← b_ho − α ∂Loss/∂b_ho",
    # 2 (1) ∂Loss/∂W_ih = ∂Loss/∂a_h × ∂a_h/∂z_h × ∂z_h/∂W_ih
    "∂Loss/∂W_ih = ∂Loss/∂a_h × ∂a_h/∂z_h × ∂z_h/∂W_ih",
    # ∂Loss/∂a_h = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂a_h = −2/n (Y_t − a_o) × a_o (1 − a_o) •× W_ho
    "∂Loss/∂a_h = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂a_h",
    "∂Loss/∂a_h = −(2/n)((Y_t − a_o) ⊙ a_o ⊙ (1 − a_o)) W_hoᵀ",
    # ∂Loss/∂W_ih = −2/n (Y_t − a_o) × a_o (1 − a_o) •× W_ho × a_h (1 − a_h) •× X
    "∂Loss/∂W_ih = Xᵀ (−(2/n)(((Y_t − a_o) ⊙ a_o ⊙ (1 − a_o)) W_hoᵀ) ⊙ a_h ⊙ (1 − a_h))",
    # ∂Loss/∂b_ih = ∂Loss/∂a_h × ∂a_h/∂z_h × ∂z_h/∂b_ih
    #       = −2/n (Y_t − a_o) × a_o (1 − a_o) •× W_ho × a_h (1 − a_h) = ∂Loss/∂a_h × a_h (1 − a_h)
    "∂Loss/∂b_ih = ∂Loss/∂a_h × ∂a_h/∂z_h × ∂z_h/∂b_ih",
    "∂Loss/∂b_ih = −(2/n)(((Y_t − a_o) ⊙ a_o ⊙ (1 − a_o)) W_hoᵀ) ⊙ a_h ⊙ (1 − a_h)",
    "∂Loss/∂b_ih = ∂Loss/∂a_h ⊙ a_h ⊙ (1 − a_h)",
    # (2) W_ih = W_ih − α × ∂Loss/∂W_ih and b_ih likewise
    "W_ih ← W_ih − α ∂Loss/∂W_ih",
    "b_ih ← b_ih − α ∂Loss/∂b_ih",
    # and the forward pass that the page presupposes
    "z_h = X W_ih + b_ih",
    "a_h = sigmoid(z_h)",
    "z_o = a_h W_ho + b_ho",
    "a_o = sigmoid(z_o)",
]


def printed(derivation: Derivation, language: str = "en") -> list[str]:
    """Return every printed equality as ``left = right``, one per right side, notes left off."""
    lines: list[str] = []
    left = ""
    for line in derivation.to_text(language).splitlines():  # type: ignore[arg-type]
        match = re.match(r"^ {4}(\S.*?)?\s*( = | ← )(.*)$", line)
        if not match:
            continue
        formula = re.split(r" {2,}", match.group(3).strip())[0]
        left = match.group(1) or left
        lines.append(f"{left}{match.group(2)}{formula}")
    return lines


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("expected", PAGE)
def test_every_line_of_the_page_is_printed(expected: str, language: str) -> None:
    """Each line of the page stands in the derivation, letter by letter."""
    derivation = cr.derive(cr.Network.dense([2, 3, 1], "sigmoid", "mse"), batch=False)
    assert expected in printed(derivation, language)


def test_the_page_keeps_its_order() -> None:
    """The page's two halves come in its order, each ending with its updates."""
    lines = printed(cr.derive(cr.Network.dense([2, 3, 1]), batch=False))
    places = [
        lines.index(line)
        for line in (
            "Loss = Σ_{i=1}^{n} (1/n)(y_ti − a_oi)²",
            "∂Loss/∂W_ho = ∂Loss/∂a_o × ∂a_o/∂z_o × ∂z_o/∂W_ho",
            "W_ho ← W_ho − α ∂Loss/∂W_ho",
            "∂Loss/∂W_ih = ∂Loss/∂a_h × ∂a_h/∂z_h × ∂z_h/∂W_ih",
            "W_ih ← W_ih − α ∂Loss/∂W_ih",
        )
    ]
    assert places == sorted(places)


def _numbers() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    shapes = {"X": (1, 3), "W_ih": (3, 5), "b_ih": (1, 5), "W_ho": (5, 2), "b_ho": (1, 2)}
    return {
        **{name: generator.normal(size=shape) for name, shape in shapes.items()},
        "Y_t": generator.normal(size=(1, 2)),
    }


@pytest.mark.peers("torch")
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_printed_lines_read_back_agree_with_torch(layout: str) -> None:
    """Every matrix line of a 3-5-2 tanh network, read back and evaluated, is what PyTorch finds."""
    import torch

    network = cr.Network.dense([3, 5, 2], "tanh", "mse")
    lines = printed(cr.derive(network, batch=False, layout=layout))  # type: ignore[arg-type]
    numbers = _numbers()
    tensors = {
        name: torch.tensor(array, requires_grad=name != "Y_t") for name, array in numbers.items()
    }
    z_h = tensors["X"] @ tensors["W_ih"] + tensors["b_ih"]
    a_h = torch.tanh(z_h)
    z_o = a_h @ tensors["W_ho"] + tensors["b_ho"]
    a_o = torch.tanh(z_o)
    for middle in (z_h, a_h, z_o, a_o):
        middle.retain_grad()
    loss = torch.nn.functional.mse_loss(a_o, tensors["Y_t"])
    loss.backward()
    known = {**tensors, "z_h": z_h, "a_h": a_h, "z_o": z_o, "a_o": a_o}
    expected = {name: tensor.detach().numpy() for name, tensor in known.items()}
    for name, tensor in known.items():
        if tensor.grad is not None:
            expected[f"∂Loss/∂{name}"] = tensor.grad.numpy()
    expected["δ_h"], expected["δ_o"] = expected["∂Loss/∂z_h"], expected["∂Loss/∂z_o"]
    values = {name: array.T if layout == "columns" else array for name, array in expected.items()}
    values |= {"n": 2.0, "α": 0.5}
    checked: set[str] = set()
    for line in lines:
        left, sign, right = re.split(r"( = | ← )", line, maxsplit=1)
        if left not in values or "×" in right or "Σ" in right or "/∂z" in right.split(" ")[0]:
            continue
        found = Reader(right, values, {"tanh": np.tanh}).value()
        wanted = values[left]
        if sign.strip() == "←":
            wanted = values[left] - 0.5 * values[f"∂Loss/∂{left}"]
            checked.add(f"{left} ←")
        checked.add(left)
        assert found.shape == wanted.shape, line
        error = float(np.linalg.norm(found - wanted)) / max(float(np.linalg.norm(wanted)), 1e-3)
        assert error <= 1e-10, line
    gradients = {f"∂Loss/∂{name}" for name in network.parameter_names}
    updates = {f"{name} ←" for name in network.parameter_names}
    middle_values = {"z_h", "a_h", "z_o", "a_o", "∂Loss/∂a_o", "∂Loss/∂a_h", "δ_o", "δ_h"}
    assert checked >= gradients | updates | middle_values


class _Recorded(dict):
    """A table of rules that remembers which were looked up."""

    def __init__(self, table: dict) -> None:
        super().__init__(table)
        self.used: set[object] = set()

    def get(self, key: object, default: object = None) -> object:
        self.used.add(key)
        return super().get(key, default)

    def __getitem__(self, key: object) -> object:
        self.used.add(key)
        return super().__getitem__(key)


def _tanh_text() -> str:
    return cr.derive(cr.Network.dense([3, 5, 2], "tanh", "mse"), batch=False).to_text()


def _used_rules(monkeypatch: pytest.MonkeyPatch) -> tuple[set[object], set[object]]:
    nodes, primitives = _Recorded(rules.RULES), _Recorded(rules.PARTIALS)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "RULES", nodes)
        patch.setattr(rules, "PARTIALS", primitives)
        _tanh_text()
    return nodes.used, primitives.used


def test_removing_any_rule_stops_the_derivation_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule that the 3-5-2 derivation rests on is needed; its absence names the operation."""
    nodes, primitives = _used_rules(monkeypatch)
    assert {node.__name__ for node in nodes} == {"Add", "Product", "Power", "Apply"}  # type: ignore[attr-defined]
    assert primitives == {"exp"}
    for table, used in (("RULES", nodes), ("PARTIALS", primitives)):
        for rule in used:
            whole = getattr(rules, table)
            with monkeypatch.context() as patch:
                patch.setattr(rules, table, {k: v for k, v in whole.items() if k != rule})
                name = rule if isinstance(rule, str) else rule.__name__  # type: ignore[attr-defined]
                with pytest.raises(MissingRule, match=f"'{name}'"):
                    _tanh_text()


def test_functions_of_the_network_have_a_slope_each() -> None:
    """The activations of the page are functions with a stated slope, not rules of their own."""
    network = cr.Network.dense([2, 3, 1])
    assert all(isinstance(entry, Function) for entry in network.activations)
    assert all(entry.slope is not None for entry in network.activations)
