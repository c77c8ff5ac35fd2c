"""Lines as programs and books write them: each is read, and is wrong after a change."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError

SIGMOID = cr.Network.dense([4, 5, 3])
RELU = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
HALF = cr.Network.dense([4, 5, 3], loss="half_mse")

BATCH = [
    (SIGMOID, "delta_o = 2*(a_o - Y)/(len(X)*n) * a_o*(1-a_o)", ("len(X)", "len(W2)")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/(X.shape[0]*n) * a_o*(1-a_o)", ("shape[0]", "shape[1]")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/Y.size * a_o*(1-a_o)", ("Y.size", "a_h.size")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/np.prod(Y.shape) * a_o*(1-a_o)", ("prod(Y", "prod(X")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/(np.size(X, 0)*n) * a_o*(1-a_o)", ("X, 0", "X, 1")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/(np.size(X, axis=0)*n) * a_o*(1-a_o)", ("=0", "=1")),
    (SIGMOID, "delta_o = 2*(a_o - Y)/np.size(Y) * a_o*(1-a_o)", ("(Y)", "(X)")),
    (SIGMOID, 'grads["dW2"] = cache["A1"].T @ cache[\'dZ2\']', ("A1", "A0")),
    (SIGMOID, "params['W2'] -= lr * grads['W2']", ("lr *", "lr**2 *")),
    (SIGMOID, "self.W2 = np.subtract(self.W2, self.lr * self.dW2)", ("self.lr *", "lr * lr *")),
    (SIGMOID, "W_ho[:] = W_ho - lr*dW_ho", ("lr*dW", "2*lr*dW")),
    (SIGMOID, "dW_ho = np.einsum('bi,bj->ij', a_h, delta_o)", ("->ij", "->ji")),
    (SIGMOID, "dW_ho = np.tensordot(a_h, delta_o, axes=([0], [0]))", ("([0], [0])", "([1], [0])")),
    (SIGMOID, "dW_ho = np.tensordot(a_h, delta_o, (0, 0))", ("(0, 0)", "(0, 1)")),
    (SIGMOID, "z_h = np.tensordot(X, W_ih, axes=1) + b_ih", ("axes=1", "axes=2")),
    (SIGMOID, "a_h = scipy.special.expit(z_h)", ("z_h", "-z_h")),
    (SIGMOID, "delta_o = 2*(a_o-Y)/(m*n) * sigmoid(z_o, derivative=True)", ("(z_o", "(a_o")),
    (SIGMOID, "delta_o = 2*(a_o-Y)/(m*n) * sigmoidPrime(z_o)", ("(z_o", "(a_o")),
    (SIGMOID, "Loss = np.linalg.norm(Y - a_o)**2/(B*n)", ("**2", "")),
    (SIGMOID, "db_ho = np.ones(B) @ delta_o", ("ones(B)", "ones(n)")),
    (SIGMOID, "db_ho = torch.sum(delta_o, dim=0, keepdim=True)", ("dim=0", "dim=1")),
    (SIGMOID, "dW_ho = a_h.t().mm(delta_o)", (".t()", "")),
    (SIGMOID, "db_ho = delta_o.sum(axis=0).reshape(1, -1)", ("axis=0", "axis=1")),
    (RELU, "a_h = np.clip(z_h, 0, None)", ("0, None", "None, 0")),
    (RELU, "a_h = z_h.clip(min=0)", ("min", "max")),
    (RELU, "delta_h = da_h * np.heaviside(z_h, 0)", ("(z_h", "(-z_h")),
    (RELU, "dz2 = (probs - y)/m", ("probs - y", "y - probs")),
    (RELU, "dW2 = np.dot(hidden_layer.T, dscores)", ("hidden_layer", "X")),
    (SIGMOID, "d_hidden = d_output.dot(W_ho.T) * a_h*(1-a_h)", ("1-a_h", "1+a_h")),
    (SIGMOID, "W_hidden_output -= lr * dW_hidden_output", ("lr * d", "d")),
    (RELU, "a_o = scipy.special.softmax(z_o, axis=1)", ("axis=1", "axis=0")),
    (RELU, "a_o = F.softmax(z_o, dim=-1)", ("dim=-1", "dim=-2")),
    (RELU, "a_o = torch.softmax(z_o, 1)", ("o, 1", "o, 0")),
    (RELU, "delta_o = (softmax(z_o, axis=1) - Y) / B", ("axis=1", "axis=0")),
    (
        RELU,
        "powers = np.exp(z_o - np.max(z_o, axis=1, keepdims=True))\n"
        "a_o = powers / powers.sum(1, keepdims=True)",
        ("axis=1", "axis=0"),
    ),
    (
        RELU,
        "powers = np.exp(z_o - z_o.max(axis=-1, keepdims=True))\n"
        "a_o = powers / powers.sum(1, keepdims=True)",
        (".max(axis=-1, keepdims=True)", ".max(axis=-1)"),
    ),
    (
        RELU,
        "powers = np.exp(z_o - z_o.max())\na_o = powers / powers.sum(axis=1)[:, None]",
        ("z_o.max()", "z_o"),
    ),
    (
        RELU,
        "a_o = softmax(z_o - np.amax(z_o, 1)[:, None])",
        ("np.amax(z_o, 1)[:, None]", "np.amax(z_o, 0)"),
    ),
    (
        RELU,
        "a_o = softmax(z_o - torch.amax(z_o, dim=1, keepdim=True))",
        ("torch.amax(z_o, dim=1", "torch.max(z_o, dim=1"),  # which returns indices too
    ),
    (RELU, "a_h = max(z_h, 0)", ("max", "np.max")),
    (RELU, "a_h = np.maximum(z_h, 0)", ("np.maximum", "np.max")),
    (SIGMOID, "theta2_grad = a1.T @ delta2", ("a1", "a0")),
    (SIGMOID, "output_delta = 2/(B*n)*(a_o-Y)*a_o*(1-a_o)", ("a_o-Y", "Y-a_o")),
    (SIGMOID, "error = a_o - Y", ("a_o - Y", "a_o + Y")),
    (SIGMOID, "e2 = a_o - Y\ndelta_o = 2/(B*n)*e2*a_o*(1-a_o)", ("a_o - Y", "Y - a_o")),
    (SIGMOID, "m = X.shape[0]\ndelta_o = 2/(m*n)*(a_o-Y)*a_o*(1-a_o)", ("[0]", "[1]")),
    (SIGMOID, "dW_ho = (a_h.T\n    @ delta_o)", ("a_h.T", "a_h.T * 2")),
    (
        SIGMOID,
        "def backward(X, Y):\n    dW_ho = a_h.T @ delta_o\n    return dW_ho",
        ("a_h.T", "a_h.T * 2"),
    ),
    (SIGMOID, "for epoch in range(9):\n    a_h = sigmoid(z_h)", ("(z_h)", "(X)")),
]
COLUMNS = [
    (SIGMOID, "m = size(X, 2); dZ2 = 2/(n*m)*(A2-Y).*A2.*(1-A2)", ("X, 2", "X, 1")),
    (SIGMOID, "dZ2 = 2*(A2-Y).*A2.*(1-A2)/(size(Y,1)*size(X,2))", ("Y,1", "Y,2")),
    (SIGMOID, "dZ2 = 2*(A2-Y).*A2.*(1-A2)/(n*size(X,2))", ("size(", "np.size(")),
    (SIGMOID, "dZ2 = 2*(A2-Y).*A2.*(1-A2)/(n*size(X,2))", ("X,2", "X")),
    (SIGMOID, "dZ2 = 2*(A2-Y).*A2.*(1-A2)/(n*size(X,2))", ("X,2", "X,0")),
    (SIGMOID, "dZ1 = (W2'*dZ2) .* A1 .* (1-A1)", ("W2'", "W2")),
    (SIGMOID, "db2 = sum(dZ2, 2);", ("2)", "0)")),
    (RELU, "a_o = softmax(z_o, axis=0)", ("axis=0", "axis=1")),
    (SIGMOID, "dW2 = dZ2 * A1'", ("A1'", "A1")),
    (SIGMOID, "dZ^{[1]} = W^{[2]T} dZ^{[2]} * g'(Z^{[1]})", ("[2]T", "[2]")),
    (SIGMOID, r"dZ^{[1]} = dA^{[1]} * g^{[1]\prime}(Z^{[1]})", (r"\prime", "")),
]
ONE = [
    (SIGMOID, "dW_ho = a_h[:, None] * delta_o[None, :]", ("a_h[", "X[")),
    (SIGMOID, "dW_ho = a_h.reshape(-1,1) @ delta_o.reshape(1,-1)", ("a_h", "X")),
    (SIGMOID, r"\Delta W_{ho} = -\eta \frac{\partial L}{\partial W_{ho}}", (r"-\eta", r"\eta")),
    (SIGMOID, r"\nabla_{W^{(2)}} L = (a^{(1)})^T \delta^{(2)}", ("a^{(1)}", "a^{(0)}")),
    (SIGMOID, r"\nabla_{W^{(2)}} J = a^{(1)T} \delta^{(2)}", ("a^{(1)T}", "a^{(1)}")),
    (SIGMOID, r"\frac{\mathrm{d}L}{\mathrm{d}W_{ho}} = a_h^T \delta_o", ("a_h", "a_o")),
    (SIGMOID, r"\frac{\partial \mathcal L}{\partial W_{ho}} = a_h^{\top} \delta_o", ("_h", "_o")),
    (SIGMOID, r"\frac{\partial a_o}{\partial z_o} = a_o (1 - a_o)", ("1 - a", "1 + a")),
    (SIGMOID, r"\frac{\partial z_o}{\partial W_{ho}} = a_h", ("= a_h", "= a_o")),
    (
        SIGMOID,
        r"\boldsymbol\delta_o = \frac2n(\mathbf{a}_o - \mathbf{y}) \odot \mathbf{a}_o"
        r" \odot (\mathbf{1} - \mathbf{a}_o)",
        (r"\frac2n", r"\frac3n"),
    ),
    (
        SIGMOID,
        r"\begin{aligned} \delta_o &= \frac{2}{n}(a_o-Y) \odot a_o \odot (1-a_o) \\"
        r" \frac{\partial L}{\partial W_{ho}} &= a_h^T \delta_o \end{aligned}",
        (r"a_h^T \delta", r"X^T \delta"),
    ),
    (
        SIGMOID,
        r"\delta_o = \frac{2}{n}(a_o - Y) \odot a_o \odot (1-a_o), \quad "
        r"\delta_h = (\delta_o W_{ho}^T) \odot a_h \odot (1-a_h)",
        (r"\frac{2}{n}", r"\frac{3}{n}"),
    ),
    (
        SIGMOID,
        r"\[ \frac{\partial L}{\partial W_{ho}} = a_h^T \delta_o, \qquad "
        r"\frac{\partial L}{\partial b_{ho}} = \delta_o \]",
        (r"= \delta_o", r"= 2 \delta_o"),
    ),
    (
        SIGMOID,
        r"W_{ho} \leftarrow W_{ho} - \alpha a_h^T \delta_o \qquad "
        r"b_{ho} \leftarrow b_{ho} - \alpha \delta_o",
        (r"b_{ho} -", r"b_{ho} +"),
    ),
    (SIGMOID, r"\delta_h = (\delta_o W_{ho}^T) \odot a_h \quad \odot (1-a_h)", ("1-", "1+")),
    (SIGMOID, r"z_o = a_h W_{ho} + b_{ho} \quad = b_{ho} + a_h W_{ho}", ("= b_{", "= 2 b_{")),
    (RELU, r"a_h = \max(0, \quad z_h)", ("z_h", "-z_h")),
    (HALF, r"E = \frac12 \sum_k (t_k - o_k)^2", (r"\frac12", r"\frac13")),
    (SIGMOID, "Loss = 1/n ‖Y_t − a_o‖²", ("²", "")),
    (SIGMOID, "δₕ = (δₒ W_hoᵀ) ⊙ aₕ ⊙ (1 − aₕ)", ("1 −", "1 +")),
    (RELU, r"\delta_h = (\delta_o W_{ho}^T) \odot 1_{z_h > 0}", ("> 0", "< 0")),
    (RELU, r"\delta_h = (\delta_o W_{ho}^T) \odot \mathbb{1}[z_h > 0]", ("> 0", "< 0")),
    (RELU, r"\delta_h = (\delta_o W_{ho}^T) \odot H(z_h)", ("H(z", "H(-z")),
]
CASES = [
    *((*case, {"batch": True}) for case in BATCH),
    *((*case, {"batch": True, "layout": "columns"}) for case in COLUMNS),
    *((*case, {}) for case in ONE),
]


@pytest.mark.parametrize(("network", "line", "change", "given"), CASES, ids=[c[1] for c in CASES])
def test_a_line_is_read_as_it_is_written(network, line, change, given):
    verdict = cr.check_line(network, line, **given)
    assert verdict.correct, verdict.message()
    assert line.count(change[0]) >= 1
    try:
        changed = cr.check_line(network, line.replace(*change), **given)
    except InputError:
        return
    assert not changed.correct, line.replace(*change)


def test_equations_of_one_display_are_statements_of_an_answer():
    text = (
        r"\[ \delta_o = \frac{2}{n}(a_o - Y) \odot a_o \odot (1-a_o), \qquad"
        "\n"
        r"\nabla_{W_{ho}} L = a_h^T \delta_o, \quad \nabla_{b_{ho}} L = 2 \delta_o \]"
    )
    found = cr.check_answer(SIGMOID, text, batch=False)
    outcomes = [(each.number, each.outcome) for each in found.statements]
    assert outcomes == [(1, "right"), (2, "right"), (2, "wrong")], str(found)


def test_a_star_is_not_the_matrix_product_in_a_line_of_numpy():
    assert not cr.check_line(SIGMOID, "dW_ho = a_h.T * delta_o", batch=True).correct


def test_lengths_of_one_sample_are_not_determined():
    with pytest.raises(InputError, match="not determined for one sample"):
        cr.check_line(SIGMOID, "delta_o = 2*(a_o - Y)/len(Y) * a_o*(1-a_o)")


LENGTHS = [
    ("delta_o = 2*(a_o - Y)/len(Y) * a_o*(1-a_o)", "rows"),
    ("delta_o = 2*(a_o - Y)/len(X) * a_o*(1-a_o)", "rows"),
    ("delta_o = 2/len(Y)*(a_o - Y) * a_o*(1-a_o)", "rows"),
    ("delta_o = 2*(a_o - Y)/Y.shape[0] * a_o*(1-a_o)", "rows"),
    ("Loss = np.sum((Y-a_o)**2)/len(Y)", "rows"),
    ("delta_o = 2*(a_o - Y)/Y.shape[1] * a_o*(1-a_o)", "columns"),
    ("Loss = np.sum((Y-a_o)**2)/Y.shape[1]", "columns"),
]


@pytest.mark.parametrize(("line", "layout"), LENGTHS)
def test_the_length_of_the_targets_is_the_count_of_samples_also_for_one_output(line, layout):
    network = cr.Network.dense([2, 3, 1])
    verdict = cr.check_line(network, line, batch=True, layout=layout)
    assert verdict.message().startswith("Right for this network, because n = 1."), line
    other = "columns" if layout == "rows" else "rows"
    assert not cr.check_line(network, line, batch=True, layout=other).correct  # its length is n
    wider = cr.check_line(SIGMOID, line, batch=True, layout=layout)
    assert (wider.correct, "1/n" in wider.message()) == (False, True)


def test_a_variable_that_nothing_uses_is_an_unknown_name():
    with pytest.raises(InputError, match="unknown name 'dW_hoo'"):
        cr.check_line(SIGMOID, "dW_hoo = a_h.T @ delta_o")


def test_a_returned_formula_is_not_skipped():
    with pytest.raises(InputError):
        cr.check_line(SIGMOID, "dW_ho = a_h.T @ delta_o\nreturn a_h @ delta_o")


def test_variables_that_double_are_refused():
    doubled = ";".join(f"d{i + 1}=d{i}+d{i}" for i in range(1, 40))
    with pytest.raises(InputError, match="at most 2000 symbols"):
        cr.check_line(SIGMOID, f"d1=a_h;{doubled};a_h=d40")


CHAINS = [
    "∂Loss/∂b_ho = ∂z_o/∂b_ho ∂Loss/∂z_o",
    "∂Loss/∂z_o = ∂a_o/∂z_o ∂Loss/∂a_o",
    "∂Loss/∂W_ih = ∂z_h/∂W_ih ∂a_h/∂z_h ∂z_o/∂a_h ∂Loss/∂z_o",
    "∂Loss/∂z_h = ∂z_o/∂a_h ∂Loss/∂z_o ∂a_h/∂z_h",
]


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("line", CHAINS)
def test_a_chain_of_derivatives_may_have_any_order(line, layout):
    verdict = cr.check_line(SIGMOID, line, layout=layout)
    assert (verdict.kind, verdict.message()) == ("right", "Right."), verdict.message()


@pytest.mark.parametrize("line", CHAINS[1:])  # ∂z/∂b is 1
def test_a_chain_without_a_link_is_wrong_in_any_order(line):
    left, _, right = line.partition(" = ")
    for link in right.split():
        rest = " ".join(each for each in right.split() if each != link)
        verdict = cr.check_line(SIGMOID, f"{left} = {rest}")
        assert not verdict.correct, (rest, verdict.message())
        assert "Right if" not in verdict.message()


def test_rows_and_columns_are_counted_from_0_as_in_explanations():
    verdict = cr.check_line(SIGMOID, "dW_ho = 3 * a_h.T @ delta_o + 0 * W_ho", batch=True)
    found, expected = verdict.numbers["found"], verdict.numbers["expected"]
    row, column = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    assert f"in row {row}, column {column} (counted from 0)" in verdict.message()
    assert f"下标 [{row}, {column}]（从 0 数起）" in verdict.message("zh")
