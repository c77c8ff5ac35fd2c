"""Architectures that no code knows, each stated as forward equations alone.

A residual block with layer normalization, batch normalization, an embedding, two heads on one trunk
and an autoencoder with tied weights are written in the nodes of ``formulas`` and handed over as a
``Formulation``.  Derivation, Plan, reference execution, print and verification follow; the numbers
are PyTorch's to 10⁻¹⁰ relative.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule.formulas.arrange import arrange
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Rename,
    Symbol,
    mean,
    product,
    square_root,
    total,
)
from chainrule.formulas.functions import log, tanh
from chainrule.formulas.matrices import Indexed, MatrixSymbol, Relabeled, every
from chainrule.formulas.render import latex, text
from chainrule.kernels.reference import Execution, named_array
from chainrule.network.activations import gelu, softmax
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.optimizers import SGD, Adam
from chainrule.plans.operations import General
from chainrule.plans.plan import plan
from chainrule.verification import relative_error, verify_formulation

B, I, H, O = Axis("B", -1), Axis("i", 0, "n_i"), Axis("h", 1, "n_h"), Axis("o", 2, "n")
SIZES = {B: 6, I: 5, H: 4, O: 3}

LOSS, EPSILON = Symbol("Loss"), Symbol("ε_N")
X, Y = Symbol("X", (B, I)), Symbol("Y", (B, O))
W, b = Symbol("W", (I, H)), Symbol("b", (H,))
U, c = Symbol("U", (H, O)), Symbol("c", (O,))

Tensors = Mapping[str, Any]


def normalized(values: Symbol, center: Symbol, spread: Symbol) -> Expression:
    """(x − m) / √(s + ε), with the root's ε inside it."""
    return (values - center) / square_root(spread + EPSILON)


def half_squares(target: Symbol, output: Symbol, units: Axis) -> Expression:
    """½ Σ (y − a)² over outputs, averaged over samples."""
    return mean(total((target - output) ** 2 / 2, units), B)


@dataclass(frozen=True)
class Architecture:
    """A formulation, and the same network in PyTorch (from named tensors to the loss)."""

    formulation: Formulation
    peer: Callable[[Tensors], Any]
    sizes: Mapping[Axis, int]

    def values(self, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        drawn: dict[str, Any] = {}
        for symbol in (*self.formulation.parameters, *self.formulation.inputs):
            shape = [self.sizes[axis] for axis in symbol.axes]
            if symbol == EPSILON:
                drawn[symbol.name] = 1e-5
            elif symbol.name == "T":  # shares
                drawn[symbol.name] = rng.dirichlet(np.ones(shape[1]), shape[0])
            elif symbol.name == "E1":  # one-hot
                drawn[symbol.name] = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
            else:
                drawn[symbol.name] = rng.normal(size=shape)
        return drawn


def residual_block() -> Architecture:
    """x → z = x W + b → a = gelu(z) → r = x + a V → layer normalization → linear head."""
    V, U_o = Symbol("V", (H, I)), Symbol("U", (I, O))
    gamma, beta = Symbol("γ", (I,)), Symbol("β", (I,))
    Z, A, R = Symbol("Z", (B, H)), Symbol("A", (B, H)), Symbol("R", (B, I))
    center, spread = Symbol("m", (B,)), Symbol("s", (B,))
    N, out = Symbol("N", (B, I)), Symbol("P", (B, O))
    formulation = Formulation(
        equations=(
            Equation(Z, product(X, W, over=[I]) + b),
            Equation(A, gelu(Z)),
            Equation(R, X + product(A, V, over=[H])),
            Equation(center, mean(R, I)),
            Equation(spread, mean((R - center) ** 2, I)),
            Equation(N, normalized(R, center, spread) * gamma + beta),
            Equation(out, product(N, U_o, over=[I]) + c),
            Equation(LOSS, half_squares(Y, out, O)),
        ),
        loss=LOSS,
        parameters=(W, b, V, gamma, beta, U_o, c),
        inputs=(X, Y, EPSILON),
        output=out,
        data_loss=LOSS,
    )

    def peer(t: Tensors) -> Any:
        from torch.nn import functional

        hidden = functional.gelu(t["X"] @ t["W"] + t["b"])
        r = t["X"] + hidden @ t["V"]
        n = functional.layer_norm(r, r.shape[1:], t["γ"], t["β"], eps=float(t["ε_N"]))
        return ((t["Y"] - n @ t["U"] - t["c"]) ** 2).sum(1).mean() / 2

    return Architecture(formulation, peer, SIZES)


def batch_normalization() -> Architecture:
    """z = x W → normalized over the batch, unit by unit (training mode) → tanh → head."""
    gamma, beta = Symbol("γ", (H,)), Symbol("β", (H,))
    Z, N, A = Symbol("Z", (B, H)), Symbol("N", (B, H)), Symbol("A", (B, H))
    center, spread, out = Symbol("m", (H,)), Symbol("s", (H,)), Symbol("P", (B, O))
    formulation = Formulation(
        equations=(
            Equation(Z, product(X, W, over=[I])),
            Equation(center, mean(Z, B)),
            Equation(spread, mean((Z - center) ** 2, B)),
            Equation(N, normalized(Z, center, spread) * gamma + beta),
            Equation(A, tanh(N)),
            Equation(out, product(A, U, over=[H]) + c),
            Equation(LOSS, half_squares(Y, out, O)),
        ),
        loss=LOSS,
        parameters=(W, gamma, beta, U, c),
        inputs=(X, Y, EPSILON),
        output=out,
        data_loss=LOSS,
    )

    def peer(t: Tensors) -> Any:
        from torch.nn import functional

        z = t["X"] @ t["W"]
        n = functional.batch_norm(z, None, None, t["γ"], t["β"], training=True, eps=float(t["ε_N"]))
        return ((t["Y"] - n.tanh() @ t["U"] - t["c"]) ** 2).sum(1).mean() / 2

    return Architecture(formulation, peer, SIZES)


def embedding() -> Architecture:
    """The row of a table for each word, as a one-hot product, beside other inputs."""
    words = Axis("w", 0, "n_w")
    one_hot, table = Symbol("E1", (B, words)), Symbol("E", (words, H))
    A, out = Symbol("A", (B, H)), Symbol("P", (B, O))
    formulation = Formulation(
        equations=(
            Equation(A, tanh(product(one_hot, table, over=[words]) + product(X, W, over=[I]))),
            Equation(out, product(A, U, over=[H])),
            Equation(LOSS, half_squares(Y, out, O)),
        ),
        loss=LOSS,
        parameters=(table, W, U),
        inputs=(one_hot, X, Y),
        output=out,
        data_loss=LOSS,
    )

    def peer(t: Tensors) -> Any:
        from torch.nn import functional

        rows = functional.embedding(t["E1"].argmax(1), t["E"])
        return ((t["Y"] - (rows + t["X"] @ t["W"]).tanh() @ t["U"]) ** 2).sum(1).mean() / 2

    return Architecture(formulation, peer, {**SIZES, words: 7})


def two_heads() -> Architecture:
    """One trunk, a head of numbers and a head of classes, their losses added."""
    classes = Axis("k", 3, "n_k")
    V, T = Symbol("V", (H, classes)), Symbol("T", (B, classes))
    A, out = Symbol("A", (B, H)), Symbol("P", (B, O))
    Z, Q = Symbol("Z_q", (B, classes)), Symbol("Q", (B, classes))
    first, second = Symbol("Loss_1"), Symbol("Loss_2")
    weight = Symbol("λ")
    formulation = Formulation(
        equations=(
            Equation(A, tanh(product(X, W, over=[I]) + b)),
            Equation(out, product(A, U, over=[H]) + c),
            Equation(Z, product(A, V, over=[H])),
            Equation(Q, softmax(Z)),
            Equation(first, half_squares(Y, out, O)),
            Equation(second, -mean(total(T * log(Q), classes), B)),
            Equation(LOSS, first + weight * second),
        ),
        loss=LOSS,
        parameters=(W, b, U, c, V),
        inputs=(X, Y, T, weight),
        output=out,
        data_loss=LOSS,
        facts={total(T, classes): ONE},
        deltas=frozenset({Z}),
    )

    def peer(t: Tensors) -> Any:
        from torch.nn import functional

        a = (t["X"] @ t["W"] + t["b"]).tanh()
        numbers = ((t["Y"] - a @ t["U"] - t["c"]) ** 2).sum(1).mean() / 2
        return numbers + t["λ"] * functional.cross_entropy(a @ t["V"], t["T"])

    return Architecture(formulation, peer, {**SIZES, classes: 3})


def tied(*, renamed: bool) -> Architecture:
    """An autoencoder, tanh(x W + b) Wᵀ + c: by a renamed axis, or by the inputs' own."""
    end = Axis("e", 2, "n_e") if renamed else I
    back = Rename(W, I, end) if renamed else W
    target, offset = Symbol("Y", (B, end)), Symbol("c", (end,))
    A, out = Symbol("A", (B, H)), Symbol("P", (B, end))
    formulation = Formulation(
        equations=(
            Equation(A, tanh(product(X, W, over=[I]) + b)),
            Equation(out, product(A, back, over=[H]) + offset),
            Equation(LOSS, half_squares(target, out, end)),
        ),
        loss=LOSS,
        parameters=(W, b, offset),
        inputs=(X, target),
        output=out,
        data_loss=LOSS,
    )

    def peer(t: Tensors) -> Any:
        a = (t["X"] @ t["W"] + t["b"]).tanh()
        return ((t["Y"] - a @ t["W"].T - t["c"]) ** 2).sum(1).mean() / 2

    return Architecture(formulation, peer, {**SIZES, end: SIZES[I]})


ARCHITECTURES: dict[str, Callable[[], Architecture]] = {
    "residual block": residual_block,
    "batch normalization": batch_normalization,
    "embedding": embedding,
    "two heads": two_heads,
    "tied weights": lambda: tied(renamed=False),
    "tied weights, renamed": lambda: tied(renamed=True),
}

EACH = pytest.mark.parametrize("name", ARCHITECTURES)


def squared(architecture: Architecture) -> Architecture:
    """Return the same with every size equal, where wrong sides and transposes type-check."""
    equal = dict.fromkeys(architecture.sizes, 4)
    return Architecture(architecture.formulation, architecture.peer, equal)


# -- everything follows --------------------------------------------------------------------------


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("equal", [False, True], ids=["distinct sizes", "equal sizes"])
def test_verification_passes_by_every_method(name, equal):
    architecture = ARCHITECTURES[name]()
    architecture = squared(architecture) if equal else architecture
    for seed in range(3):
        result = verify_formulation(architecture.formulation, architecture.values(seed), title=name)
        assert result.passed, str(result)
        methods = {method for method, _, _ in result.methods()}
        assert {
            "complex step",
            "central differences",
            "one step from old values",
            "matrix form, samples in rows",
            "matrix form, samples in columns",
        } <= methods


@pytest.mark.peers("torch")
@EACH
@pytest.mark.parametrize("equal", [False, True], ids=["distinct sizes", "equal sizes"])
def test_loss_and_gradients_are_those_of_pytorch(name, equal):
    import torch

    architecture = ARCHITECTURES[name]()
    architecture = squared(architecture) if equal else architecture
    formulation = architecture.formulation
    made = plan(differentiate(formulation))
    for seed in range(5):
        values = architecture.values(seed)
        tensors = {n: torch.tensor(v, dtype=torch.float64) for n, v in values.items()}
        for parameter in formulation.parameters:
            tensors[parameter.name].requires_grad_()
        loss = architecture.peer(tensors)
        loss.backward()
        run = Execution(made)
        run.give(values)
        run.all()
        found_loss = float(run.scalar(made.loss))
        assert found_loss == pytest.approx(loss.item(), rel=1e-12)
        for parameter in formulation.parameters:
            found = named_array(run.values[made.gradients[parameter.name]], parameter)
            expected = tensors[parameter.name].grad.numpy()
            assert relative_error(found, expected, found_loss) <= 1e-10, parameter


@EACH
def test_training_steps_lower_the_loss(name):
    architecture = ARCHITECTURES[name]()
    optimizer = Adam(0.01)
    made = plan(differentiate(architecture.formulation), optimizer)
    run = Execution(made)
    values = architecture.values(0)
    memory = {
        symbol.name: np.zeros([architecture.sizes[axis] for axis in symbol.axes])
        for symbol in made.memory
    }
    run.give({**values, **memory, **optimizer.constants})
    losses = []
    for step in range(1, 101):
        run.give({"t": float(step)})
        run.all()
        losses.append(float(run.scalar(made.loss)))
    assert losses[-1] < 0.5 * losses[0]


@EACH
def test_the_output_is_predicted_without_targets(name):
    architecture = ARCHITECTURES[name]()
    forward = plan(differentiate(architecture.formulation), SGD(0.1)).forward()
    values = architecture.values(0)
    del values["Y"]
    run = Execution(forward)
    run.give(values)
    run.all()
    assert run.values[forward.output].shape[0] == architecture.sizes[B]


@EACH
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_every_equation_is_printed_in_both_styles(name, layout):
    formulation = ARCHITECTURES[name]().formulation
    gradients = differentiate(formulation)
    equations = [*formulation.equations, *(entry.equation for entry in gradients.backward)]
    names = {symbol.name for e in equations for symbol in [e.left]}
    assert len(names) == len(equations)
    for equation in equations:
        matrix = arrange(equation.right, layout, equation.left.axes)
        plain, tex = text(matrix), latex(matrix)
        assert "⟨" not in plain + tex, f"an inner name is printed: {plain}"
        assert tex.count("{") == tex.count("}")
        assert tex.isascii(), tex
        assert "object at" not in plain + tex


def test_a_renamed_symbol_is_the_same_matrix_with_other_axes():
    formulation = tied(renamed=True).formulation
    decoded = formulation.equations[1]
    end = decoded.left.axes[1]
    for layout, printed in (("rows", "A Wᵀ + c"), ("columns", "Wᵀ A + c")):
        matrix = arrange(decoded.right, layout, decoded.left.axes)
        (relabeled,) = (node for node in every(matrix) if isinstance(node, Relabeled))
        assert isinstance(relabeled.operand, MatrixSymbol)
        assert relabeled.operand.symbol == W
        assert {relabeled.rows, relabeled.columns} == {H, end}
        assert text(matrix) == printed
    values = tied(renamed=True).values(0)
    made = plan(differentiate(formulation))
    run = Execution(made)
    run.give(values)
    run.all()
    expected = np.tanh(values["X"] @ values["W"] + values["b"]) @ values["W"].T + values["c"]
    np.testing.assert_allclose(run.values[made.output], expected, rtol=1e-13)


@EACH
def test_everything_is_matrices(name):
    formulation = ARCHITECTURES[name]().formulation
    gradients = differentiate(formulation)
    for equation in (*formulation.equations, *(entry.equation for entry in gradients.backward)):
        for layout in ("rows", "columns"):
            matrix = arrange(equation.right, layout, equation.left.axes)
            assert not any(isinstance(node, Indexed) for node in every(matrix)), str(matrix)
    operations = plan(gradients).operations
    assert not any(isinstance(operation, General) for operation in operations)


# -- as a textbook writes it ---------------------------------------------------------------------


def printed(gradients: Gradients, layout: Any = "rows") -> dict[str, str]:
    """Return each equation's right side in matrix notation by the name of its left side."""
    forward = gradients.formulation.equations
    equations = [*forward, *(entry.equation for entry in gradients.backward)]
    return {e.left.name: text(arrange(e.right, layout, e.left.axes)) for e in equations}


def test_the_residual_block_reads_like_a_textbook():
    rows = printed(differentiate(residual_block().formulation))
    assert rows["Z"] == "X W + b"
    assert rows["A"] == "gelu(Z)"
    assert rows["m"] == "(1/n_i) R 1"
    assert rows["s"] == "(1/n_i)(R − m)^⊙2 1"
    assert rows["P"] == "N U + c"
    assert rows["∂Loss/∂N"] == "∂Loss/∂P Uᵀ"
    assert rows["∂Loss/∂U"] == "Nᵀ ∂Loss/∂P"
    assert rows["∂Loss/∂c"] == "1ᵀ ∂Loss/∂P"
    assert rows["∂Loss/∂β"] == "1ᵀ ∂Loss/∂N"
    assert rows["∂Loss/∂W"] == "Xᵀ ∂Loss/∂Z"
    columns = printed(differentiate(residual_block().formulation), "columns")
    assert columns["Z"] == "W X + b"
    assert columns["∂Loss/∂W"] == "∂Loss/∂Z Xᵀ"
    assert columns["∂Loss/∂N"] == "Uᵀ ∂Loss/∂P"


def test_a_way_back_to_the_inputs_is_printed_as_its_weights_are_stored():
    # V is (hidden, inputs), as W is (inputs, hidden): r = x + a V in NumPy and on paper.
    rows = printed(differentiate(residual_block().formulation))
    assert rows["R"] == "X + A V"
    assert rows["∂Loss/∂A"] == "∂Loss/∂R Vᵀ"
    assert rows["∂Loss/∂V"] == "Aᵀ ∂Loss/∂R"


def test_what_two_heads_give_back_is_added():
    rows = printed(differentiate(two_heads().formulation))
    assert rows["∂Loss/∂A"] in ("∂Loss/∂P Uᵀ + δ_q Vᵀ", "δ_q Vᵀ + ∂Loss/∂P Uᵀ")
    assert rows["δ_q"].endswith("(Q − T)")  # the collapse, with what the sum of losses gives


def test_tied_weights_get_a_part_from_each_place():
    rows = printed(differentiate(tied(renamed=False).formulation))
    assert rows["P"] == "A Wᵀ + c"
    first, second = rows["∂Loss/∂W"].split(" + ", 1)
    assert {first.split()[0], second.split()[0]} == {"Xᵀ", "(∂Loss/∂P)ᵀ"}


def test_a_renamed_axis_gives_the_same_numbers():
    plain, other = tied(renamed=False), tied(renamed=True)
    values = plain.values(0)
    gradients = []
    for architecture in (plain, other):
        made = plan(differentiate(architecture.formulation))
        run = Execution(made)
        run.give(values)
        run.all()
        gradients.append(run.values[made.gradients["W"]])
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-13)


# -- published numbers ---------------------------------------------------------------------------


def test_layer_normalization_in_minitorch():
    # Worked example 6: x = 1, 2, 3, 4; γ = 10, 20, 30, 40; upstream 1, 0, 0, 0; ε → 0.
    x, gamma, given = (Symbol(name, (I,)) for name in ("x", "γ", "g"))
    center, spread, N = Symbol("m"), Symbol("s"), Symbol("N", (I,))
    formulation = Formulation(
        equations=(
            Equation(center, mean(x, I)),
            Equation(spread, mean((x - center) ** 2, I)),
            Equation(N, normalized(x, center, spread) * gamma),
            Equation(LOSS, total(given * N, I)),
        ),
        loss=LOSS,
        parameters=(x,),
        inputs=(gamma, given, EPSILON),
        output=N,
        data_loss=LOSS,
    )
    made = plan(differentiate(formulation))
    run = Execution(made)
    run.give(
        {
            "x": [1.0, 2.0, 3.0, 4.0],
            "γ": [10.0, 20.0, 30.0, 40.0],
            "g": [1.0, 0.0, 0.0, 0.0],
            "ε_N": 1e-12,
        }
    )
    run.all()
    found = run.values[made.gradients["x"]].ravel()
    np.testing.assert_allclose(found, [2.683282, -3.577709, -0.894427, 1.788854], atol=1e-6)
