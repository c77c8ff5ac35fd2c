"""The derivatives of softmax: what is right is what PyTorch's Jacobian is."""

import numpy as np
import pytest

import chainrule as cr

CLASSES = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
Z = np.array([0.3, -1.2, 0.8])


def pytorch_jacobian():
    torch = pytest.importorskip("torch")
    found = torch.autograd.functional.jacobian(
        lambda z: torch.softmax(z, 0), torch.tensor(Z, dtype=torch.float64)
    )
    return found.numpy()


INDEXED = [
    ("∂a_i/∂z_j = a_i(δ_ij − a_j)", lambda a, i, j: a[i] * ((i == j) - a[j])),
    (r"\frac{\partial a_i}{\partial z_j} = a_i(\delta_{ij} - a_j)", None),
    ("∂p_k/∂z_j = p_k δ_kj - p_k p_j", None),
    (r"\frac{\partial \hat{y}_i}{\partial z_j} = \hat{y}_i(\delta_{ij} - \hat{y}_j)", None),
    ("∂a_i/∂z_j = a_j(δ_ij − a_i)", lambda a, i, j: a[j] * ((i == j) - a[i])),
    ("∂a_i/∂z_j = a_i(δ_ij + a_j)", lambda a, i, j: a[i] * ((i == j) + a[j])),
    ("∂a_i/∂z_j = a_i(1 − a_j)", lambda a, i, j: a[i] * (1 - a[j])),
    ("∂a_i/∂z_j = -a_i a_j", lambda a, i, j: -a[i] * a[j]),
    ("∂a_i/∂z_j = a_i δ_ij", lambda a, i, j: a[i] * (i == j)),
    ("∂a_i/∂z_j = a_i(δ_ij − a_i)", lambda a, i, j: a[i] * ((i == j) - a[i])),
    ("∂a_i/∂z_j = 1.0000000001 a_i(δ_ij − a_j)", lambda *_: 2.0),
]


@pytest.mark.parametrize(("line", "formula"), INDEXED)
def test_an_index_form_is_right_where_pytorch_has_its_values(line, formula):
    a = np.exp(Z) / np.exp(Z).sum()
    values = None
    if formula is not None:
        values = [[formula(a, i, j) for j in range(3)] for i in range(3)]
    is_right = values is None or np.allclose(values, pytorch_jacobian(), rtol=1e-12)
    assert cr.check_line(CLASSES, line).correct == is_right


MATRICES = [
    ("∂a_o/∂z_o = np.diag(a_o) - np.outer(a_o, a_o)", True),
    ("da_o/dz_o = np.diag(a_o) - a_o.T @ a_o", True),
    ("J = np.diag(p) - np.outer(p, p)", True),
    ("jacobian = np.diagflat(a_o) - np.dot(a_o.T, a_o)", True),
    ("∂a/∂z = diag(a) - a^T a", True),
    ("J = np.diag(p) + np.outer(p, p)", False),
    ("J = np.outer(p, p) - np.diag(p)", False),
    ("∂a_o/∂z_o = np.diag(a_o)", False),
    ("∂a_o/∂z_o = a_o * (1 - a_o)", False),
    ("da_o/dz_o = np.diag(a_o) - a_o @ a_o.T", False),
    ("J = np.diag(W_ho) - np.outer(p, p)", False),
]


@pytest.mark.parametrize(("line", "is_right"), MATRICES)
def test_the_matrix_is_diag_less_the_outer_product(line, is_right):
    assert cr.check_line(CLASSES, line).correct == is_right


def test_columns_have_the_transpose_on_the_right():
    line = r"\frac{\partial a}{\partial z} = \operatorname{diag}(a) - a a^T"
    assert cr.check_line(CLASSES, line, layout="columns").correct
    assert not cr.check_line(CLASSES, line.replace("a a^T", "a^T a"), layout="columns").correct


BOOK = [
    (r"\frac{\partial a}{\partial z} = \operatorname{diag}(a) - a a^T", True),
    ("∂a_o/∂z_o = diag(a_o) − a_o a_oᵀ", True),
    ("J = diag(p) - p p^T", True),
    ("J = diag(p) + p p^T", False),
    ("J = p p^T - diag(p)", False),
    ("J = diag(p) - p p", False),
    ("J = diag(p) - 2 p p^T", False),
    ("J = diag(y) - p p^T", False),
    ("J = diag(p) - z_o p^T", False),
    ("J = np.diag(p) - p @ p^T", False),
]


@pytest.mark.parametrize(("line", "is_right"), BOOK)
def test_books_have_columns_in_either_layout(line, is_right):
    verdict = cr.check_line(CLASSES, line)
    assert verdict.correct == is_right, verdict.message()
    if is_right:
        assert verdict.kind == "right_here"
        assert "with vectors as columns, as in books" in verdict.message()
        assert "如书上那样是列向量" in verdict.message("zh")
        assert cr.check_line(CLASSES, line, layout="columns").correct


def test_a_line_for_equal_or_different_indices_says_so():
    verdict = cr.check_line(CLASSES, "∂a_i/∂z_j = a_i(1 − a_j)")
    assert verdict.kind == "index"
    assert "Right only for i = j. For i ≠ j the derivative is −a_i a_j" in verdict.message()
    assert "只在 i = j 时正确" in verdict.message("zh")
    verdict = cr.check_line(CLASSES, "∂a_k/∂z_j = -a_k a_j")
    assert "Right only for k ≠ j. For k = j the derivative is a_k(1 − a_k)" in verdict.message()
    assert "只在 k ≠ j 时正确" in verdict.message("zh")


def test_the_wrong_axis_of_softmax_is_named():
    verdict = cr.check_line(CLASSES, "a_o = softmax(z_o, axis=0)", batch=True)
    assert (verdict.kind, verdict.repaired) == ("sum", "a_o = softmax(z_o, axis=1)")
    assert "over the units of each sample, the other axis" in verdict.message()
    assert "对每个样本的各单元计算" in verdict.message("zh")
    assert cr.check_line(CLASSES, "a_o = softmax(z_o, axis=0)").kind == "right_here"  # 1-D
    with pytest.raises(ValueError, match="unsupported keyword argument"):
        cr.check_line(CLASSES, "a_h = relu(z_h, axis=1)", batch=True)


def test_without_softmax_the_loss_keeps_its_letter():
    network = cr.Network.dense([4, 5, 3], loss="half_mse")
    assert cr.check_line(network, "J = 0.5 * np.sum((a_o - y)**2)").correct
    assert not cr.check_line(network, "J = np.diag(a_o) - np.outer(a_o, a_o)").correct
