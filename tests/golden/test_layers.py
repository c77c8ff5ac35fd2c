"""Layers against published numbers and the formulas of their papers, in the derivation's own print.

Worked example 6 is layer normalization in minitorch.  The backward pass of batch normalization is
compared with the formulas of Ioffe and Szegedy (2015, section 3), evaluated in NumPy.
"""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from chainrule.derivation.derivation import Language
from tests.golden.reading import Reader

Array = NDArray[np.float64]

both_backends = pytest.mark.parametrize("backend", ["reference", "compiled"])
both_languages = pytest.mark.parametrize("language", ["en", "zh"])


# -- layer normalization --------------------------------------------------------------------------


@both_backends
def test_layer_normalization_of_minitorch(backend: Any) -> None:
    # x = 1, 2, 3, 4 is made by weights from the input 1, so that their gradient is that of x. The
    # upstream gradient 1, 0, 0, 0 is a frozen head and the slope 1 of |y − a|.
    x = cr.Input(1)
    normal = cr.LayerNorm(1e-12)(cr.Dense(4, bias=False)(x))
    head = cr.Dense(1, bias=False)(normal)
    network = cr.Network(x, head, loss="mae", trainable={"W_3": False})
    parameters = {
        "W_1": [[1.0, 2.0, 3.0, 4.0]],
        "γ_2": [10.0, 20.0, 30.0, 40.0],
        "b_2": [0.0] * 4,
        "W_3": [[1.0], [0.0], [0.0], [0.0]],
    }
    _, gradients = cr.loss_and_gradients(network, parameters, [[1.0]], [-1000.0], backend=backend)
    printed = [f"{value:.6f}" for value in gradients["W_1"].ravel()]
    assert printed == ["2.683282", "-3.577709", "-0.894427", "1.788854"]
    # n_1 = −1.5/√1.25, and the shift is added to the output itself.
    np.testing.assert_allclose(gradients["γ_2"], [-1.5 / np.sqrt(1.25), 0, 0, 0], atol=1e-11)
    np.testing.assert_array_equal(gradients["b_2"], [1, 0, 0, 0])


# -- skip connections -----------------------------------------------------------------------------


def residual() -> cr.Network:
    x = cr.Input(4)
    h = cr.Dense(6, "silu")(x)
    h = h + cr.Dense(6, "silu")(h)
    return cr.Network(x, cr.Dense(1)(h))


@both_languages
def test_a_skip_connection_adds_up_what_comes_back_along_both_paths(language: Language) -> None:
    document = cr.derive(residual()).to_text(language)
    first, last = "∂Loss/∂A_2 × ∂A_2/∂Z_2 × ∂Z_2/∂A_1 + ∂Loss/∂H_3 × ∂H_3/∂A_1", "∂Loss/∂H_3 + δ_2"
    assert printed_formula(document, "∂Loss/∂A_1", first) == first
    assert printed_formula(document, "∂Loss/∂A_1", last) == "∂Loss/∂H_3 + δ_2 W_2ᵀ"
    assert printed_formula(document, "∂Loss/∂A_2", "∂Loss/∂H_3") == "∂Loss/∂H_3"


def test_in_columns_the_weights_are_on_the_left() -> None:
    document = cr.derive(residual(), layout="columns").to_text()
    assert printed_formula(document, "∂Loss/∂A_1", "∂Loss/∂H_3 + ").endswith("W_2ᵀ δ_2")


# -- batch normalization --------------------------------------------------------------------------


def normalized() -> cr.Network:
    x = cr.Input(4)
    h = cr.BatchNorm(0.01)(cr.Dense(3)(x))
    return cr.Network(x, cr.Dense(2)(h))


def paper(
    x: Array, gamma: Array, upstream: Array, epsilon: float
) -> tuple[Array, Array, Array, Array]:
    """Return ∂l/∂x̂, ∂l/∂σ², ∂l/∂μ and ∂l/∂x as the paper states them; upstream is ∂l/∂y."""
    m = len(x)
    mu = x.sum(axis=0) / m
    variance = ((x - mu) ** 2).sum(axis=0) / m
    normal = upstream * gamma
    spread = (normal * (x - mu) * (-1 / 2) * (variance + epsilon) ** (-3 / 2)).sum(axis=0)
    center = (normal * -1 / np.sqrt(variance + epsilon)).sum(axis=0)
    center = center + spread * (-2 * (x - mu)).sum(axis=0) / m
    values = normal / np.sqrt(variance + epsilon) + spread * 2 * (x - mu) / m + center / m
    return normal, spread, center, values


def printed_block(document: str, left: str) -> str:
    """Return the lines of a document that state ``left``."""
    block = document[document.index(f"\n    {left} = ") + 1 :]
    return re.split(r"\n    (?=\S)|\n\n", block)[0]


def printed_formula(document: str, left: str, first: str) -> str:
    """Return the form of ``left`` in a document that begins with ``first``, without its comment."""
    forms = re.findall(r"(?:^|\n) *(?:\S+ )?= (.*)", printed_block(document, left))
    found = [re.split(r"\s{2,}", form)[0] for form in forms if form.startswith(first)]
    return found[-1]


def evaluated(formula: str, values: dict[str, Any]) -> Any:
    """Evaluate a printed formula; a 1 that is multiplied as a matrix is a column of ones."""
    named = formula.replace("1ᵀ", "e_1ᵀ").replace(") 1 ∂", ") e_1 ∂")
    return Reader(named, values, {}).value()


@both_languages
def test_batch_normalization_is_printed_as_the_paper_states_it(language: Language) -> None:
    network = normalized()
    generator = np.random.default_rng(4)
    B = 7
    X, Y = generator.normal(size=(B, 4)), generator.normal(size=(B, 2))
    values: dict[str, Any] = {
        name: generator.normal(size=shape) for name, shape in network.parameter_shapes.items()
    }
    Z = X @ values["W_1"] + values["b_1"]
    mu, variance = Z.mean(axis=0), Z.var(axis=0)
    normal = (Z - mu) / np.sqrt(variance + 0.01)
    output = (values["γ_2"] * normal + values["b_2"]) @ values["W_3"] + values["b_3"]
    upstream = 2 / (B * 2) * (output - Y) @ values["W_3"].T
    of_normal, of_spread, of_center, of_values = paper(Z, values["γ_2"], upstream, 0.01)

    document = cr.derive(network).to_text(language)
    known = {
        "∂Loss/∂N_2": of_normal,
        "∂Loss/∂v_2": of_spread[None],
        "∂Loss/∂μ_2": of_center[None],
        "Z_1": Z,
        "μ_2": mu[None],
        "v_2": variance[None],
        "ε_2": 0.01,
        "B": B,
        "e_1": np.ones((B, 1)),
    }
    expected = {
        "δ_1": (
            "∂Loss/∂N_2 ⊘ √(v_2 + ε_2) + (2/B) ∂Loss/∂v_2 ⊙ (Z_1 − μ_2) + (1/B) 1 ∂Loss/∂μ_2",
            of_values,
        ),
        "∂Loss/∂v_2": (
            "−(1/2) 1ᵀ (∂Loss/∂N_2 ⊙ (Z_1 − μ_2)) ⊘ (v_2 + ε_2)^⊙(3/2)",
            of_spread[None],
        ),
        "∂Loss/∂μ_2": ("−1ᵀ ∂Loss/∂N_2 ⊘ √(v_2 + ε_2)", of_center[None]),
    }
    for left, (stated, value) in expected.items():
        formula = printed_formula(document, left, stated[:8])
        assert formula == stated
        np.testing.assert_allclose(evaluated(formula, known), value, rtol=1e-12, atol=1e-14)

    for backend in ("reference", "compiled"):
        _, gradients = cr.loss_and_gradients(network, values, X, Y, backend=backend)
        np.testing.assert_allclose(gradients["W_1"], X.T @ of_values, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(gradients["γ_2"], (upstream * normal).sum(axis=0), rtol=1e-11)
        np.testing.assert_allclose(gradients["b_2"], upstream.sum(axis=0), rtol=1e-11)


@both_languages
def test_that_deviations_add_up_to_0_is_stated(language: Language) -> None:
    block = printed_block(cr.derive(normalized()).to_text(language), "∂Loss/∂μ_2")
    comment = {"en": "deviations from their mean add up to zero", "zh": "各值与均值之差的和为 0"}[
        language
    ]
    assert block.rstrip().splitlines()[-1].endswith(comment)


# -- embeddings -----------------------------------------------------------------------------------


@both_backends
def test_an_embedding_adds_up_over_the_samples_of_a_category(backend: Any) -> None:
    k = cr.Categories(5)
    network = cr.Network(k, cr.Dense(2)(cr.Embedding(3)(k)), loss="half_mse")
    generator = np.random.default_rng(1)
    values = {
        name: generator.normal(size=shape) for name, shape in network.parameter_shapes.items()
    }
    codes = np.array([2, 0, 2, 4, 2, 0, 1])  # 3 does not occur
    Y = generator.normal(size=(7, 2))
    rows, weights = (values[name] for name in ("E_1", "W_2"))
    delta = (rows[codes] @ weights + values["b_2"] - Y) / 7
    expected = np.zeros((5, 3))
    np.add.at(expected, codes, delta @ weights.T)
    _, gradients = cr.loss_and_gradients(network, values, codes, Y, backend=backend)
    np.testing.assert_allclose(gradients["E_1"], expected, rtol=1e-12, atol=1e-15)
    assert not gradients["E_1"][3].any()
