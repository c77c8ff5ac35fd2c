"""Lines in MATLAB's notation are right exactly where MATLAB computes the true value.

The truth is NumPy's; what MATLAB computes is that of a small emulation of its rules for matrices.
"""

import re

import numpy as np
import pytest

import chainrule as cr

MSE = cr.Network.dense([2, 3, 2])
CROSS = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")


# -- an emulation of MATLAB ------------------------------------------------------------------------


class Power:
    """An exponent after ^, which is of a matrix."""

    def __init__(self, number):
        self.number = number


class Matrix:
    """A matrix with MATLAB's operators: * / ^ are of matrices, % // ** those of entries."""

    def __init__(self, values):
        self.values = np.atleast_2d(np.asarray(values, dtype=float))
        self.is_number = self.values.size == 1

    def __mul__(self, other):
        other = matrix(other)
        if self.is_number or other.is_number:
            return self % other
        return Matrix(self.values @ other.values)

    def __truediv__(self, other):
        other = matrix(other)
        if other.is_number:
            return self // other
        if self.values.shape[1] != other.values.shape[1]:
            raise ValueError("Matrix dimensions must agree.")
        return Matrix(self.values @ np.linalg.pinv(other.values))

    def __pow__(self, exponent):
        if not isinstance(exponent, Power):
            return Matrix(self.values ** matrix(exponent).values)
        return Matrix(np.linalg.matrix_power(self.values, int(exponent.number)))  # square ones only

    def __mod__(self, other):
        return Matrix(self.values * matrix(other).values)

    def __floordiv__(self, other):
        return Matrix(self.values / matrix(other).values)

    def __add__(self, other):
        return Matrix(self.values + matrix(other).values)

    def __sub__(self, other):
        return Matrix(self.values - matrix(other).values)

    def __neg__(self):
        return Matrix(-self.values)

    def __rmul__(self, other):
        return matrix(other) * self

    def __rmod__(self, other):
        return matrix(other) % self

    def __rtruediv__(self, other):
        return matrix(other) / self

    def __rfloordiv__(self, other):
        return matrix(other) // self

    def __radd__(self, other):
        return matrix(other) + self

    def __rsub__(self, other):
        return matrix(other) - self

    @property
    def T(self):  # noqa: N802
        return Matrix(self.values.T)


def matrix(value):
    return value if isinstance(value, Matrix) else Matrix(value)


def along(reduction):
    """Return a function of MATLAB: along its first dimension that is not 1, or along one."""

    def reduced(x, *options):
        values = matrix(x).values
        if options == ("all",):
            return Matrix(reduction(values, axis=None))
        first = 0 if values.shape[0] != 1 else 1
        return Matrix(reduction(values, axis=options[-1] - 1 if options else first, keepdims=True))

    return reduced


def largest(x, *options):
    if options and not isinstance(options[0], list):
        return Matrix(np.maximum(matrix(x).values, matrix(options[0]).values))
    return along(np.max)(x, *options[1:])


FUNCTIONS = {
    "exp": lambda x: Matrix(np.exp(matrix(x).values)),
    "log": lambda x: Matrix(np.log(matrix(x).values)),
    "sum": along(np.sum),
    "mean": along(np.mean),
    "max": largest,
    "numel": lambda x: Matrix(x.values.size),
    "size": lambda x, dimension: Matrix(x.values.shape[dimension - 1]),
    "norm": lambda x, kind=2: Matrix(np.linalg.norm(x.values, kind)),
}


def computed_by_matlab(line, values):
    """Return what MATLAB assigns, None for an error."""
    text = line.partition("=")[2].strip()
    text = re.sub(r"'(all|fro)'", r'"\1"', text)
    text = re.sub(r"(?<=[\w)])'", ".T", text)
    text = re.sub(r"(\d)\.(?=[/*^])", r"\1 .", text)  # 1./x is 1 ./ x
    for sign, python in (("./", "//"), (".*", "%"), (".^", "**")):
        text = text.replace(sign, python)
    text = re.sub(r"\^\s*(-?\d)", r"**Power(\1)", text)
    try:
        names = {**FUNCTIONS, **values, "Power": Power}
        return matrix(eval(text, names)).values
    except (ValueError, np.linalg.LinAlgError):
        return None


# -- true values -----------------------------------------------------------------------------------


def true_values(network, samples=7):
    """Return the names of a network with samples in columns, by the formulas of a textbook."""
    rng = np.random.default_rng(5)
    inputs, hidden, outputs = network.layers
    known = {
        "X": rng.normal(size=(inputs, samples)),
        "W_ih": rng.normal(size=(hidden, inputs)),
        "W_ho": rng.normal(size=(outputs, hidden)),
        "b_ih": rng.normal(size=(hidden, 1)),
        "b_ho": rng.normal(size=(outputs, 1)),
    }
    z_h = known["W_ih"] @ known["X"] + known["b_ih"]
    a_h = np.maximum(z_h, 0) if network is CROSS else 1 / (1 + np.exp(-z_h))
    z_o = known["W_ho"] @ a_h + known["b_ho"]
    if network is CROSS:
        a_o = np.exp(z_o) / np.exp(z_o).sum(0)
        Y = np.eye(outputs)[:, rng.integers(outputs, size=samples)]
        loss = -np.sum(Y * np.log(a_o)) / samples
        delta_o = (a_o - Y) / samples
        slope = z_h > 0
    else:
        a_o = 1 / (1 + np.exp(-z_o))
        Y = rng.normal(size=a_o.shape)
        loss = np.mean((a_o - Y) ** 2)
        delta_o = 2 / Y.size * (a_o - Y) * a_o * (1 - a_o)
        slope = a_h * (1 - a_h)
    delta_h = known["W_ho"].T @ delta_o * slope
    known |= {"z_h": z_h, "a_h": a_h, "z_o": z_o, "a_o": a_o, "Y": Y, "loss": loss}
    known |= {"delta_o": delta_o, "delta_h": delta_h, "dW_ho": delta_o @ a_h.T}
    known |= {"db_ho": delta_o.sum(1, keepdims=True), "dW_ih": delta_h @ known["X"].T}
    found = {name: matrix(value) for name, value in known.items()}
    return {**found, "B": matrix(samples), "n": matrix(outputs)}


VALUES = {network: true_values(network) for network in (MSE, CROSS)}


def is_right_in_matlab(network, line):
    truth = VALUES[network][line.partition("=")[0].strip()].values
    found = computed_by_matlab(line, VALUES[network])
    return found is not None and found.shape == truth.shape and bool(np.allclose(found, truth))


# -- lines -----------------------------------------------------------------------------------------

OF_MSE = (
    "z_h = W_ih*X + b_ih",
    "z_h = W_ih.*X + b_ih",
    "a_h = 1 ./ (1+exp(-z_h))",
    "a_h = 1./(1+exp(-z_h))",
    "a_h = 1 / (1+exp(-z_h))",
    "a_h = (1+exp(-z_h))^-1",
    "a_h = (1+exp(-z_h)).^-1",
    "loss = mean((a_o-Y)^2)",
    "loss = mean((a_o-Y).^2)",
    "loss = mean(mean((a_o-Y).^2))",
    "loss = mean((a_o-Y).^2, 'all')",
    "loss = sum(sum((a_o-Y).^2))/numel(Y)",
    "loss = sum(sum((a_o-Y).^2, 1), 2)/(size(Y,1)*size(Y,2))",
    "loss = norm(a_o-Y)^2/numel(Y)",
    "loss = norm(a_o-Y, 'fro')^2/numel(Y)",
    "delta_o = 2/numel(Y)*(a_o-Y).*a_o.*(1-a_o)",
    "delta_o = (a_o-Y)*(2/numel(Y)).*a_o.*(1-a_o)",
    "delta_o = 2/(B*n)*(a_o-Y).*a_o.*(1-a_o)",
    "delta_o = 2/numel(Y)*(a_o-Y)*a_o.*(1-a_o)",
    "delta_o = 2*(a_o-Y).*a_o.*(1-a_o)/numel(Y)",
    "delta_o = 4*(a_o-Y)/2.*a_o.*(1-a_o)/numel(Y)",
    "delta_o = 2*(a_o-Y).*(a_o-a_o.^2)/numel(Y)",
    "delta_o = 2*(a_o-Y).*(a_o-a_o^2)/numel(Y)",
    "delta_h = (W_ho'*delta_o).*a_h.*(1-a_h)",
    "dW_ho = delta_o*a_h'",
    "dW_ho = delta_o.*a_h'",
    "db_ho = sum(delta_o, 2)",
    "db_ho = sum(delta_o)",
    "db_ho = sum(delta_o')'",
)
OF_CROSS = (
    "a_h = max(z_h, 0)",
    "a_h = max(z_h)",
    "a_o = exp(z_o)./sum(exp(z_o))",
    "a_o = exp(z_o)./sum(exp(z_o), 1)",
    "a_o = exp(z_o)./sum(exp(z_o), 2)",
    "a_o = exp(z_o)./sum(sum(exp(z_o)))",
    "a_o = exp(z_o)/sum(exp(z_o))",
    "a_o = exp(z_o-max(z_o))./sum(exp(z_o-max(z_o)))",
    "a_o = exp(z_o-max(z_o, [], 1))./sum(exp(z_o-max(z_o, [], 1)))",
    "loss = -sum(Y.*log(a_o))/B",
    "loss = -sum(sum(Y.*log(a_o)))/B",
    "loss = -mean(sum(Y.*log(a_o)))",
    "loss = -mean(mean(Y.*log(a_o)))",
    "delta_o = 1/size(Y,2)*(a_o-Y)",
    "delta_o = 1/size(Y,1)*(a_o-Y)",
)
LINES = [*((MSE, line) for line in OF_MSE), *((CROSS, line) for line in OF_CROSS)]


@pytest.mark.parametrize(("network", "line"), LINES)
def test_a_line_is_right_exactly_where_matlab_computes_the_true_value(network, line):
    verdict = cr.check_line(network, line, batch=True, convention="matlab")
    assert verdict.correct == is_right_in_matlab(network, line), verdict.message()
    if verdict.repaired:  # a correction is MATLAB's too, as typed
        assert is_right_in_matlab(network, verdict.repaired), verdict.repaired
        assert cr.check_line(network, verdict.repaired, batch=True, convention="matlab").correct


def test_the_emulation_finds_both_right_and_wrong_lines():
    found = [is_right_in_matlab(*pair) for pair in LINES]
    assert found.count(True) == 27
    assert found.count(False) == 17


def test_corrections_say_what_matlab_does():
    def message(line, language="en", network=MSE):
        found = cr.check_line(network, line, batch=True, convention="matlab")
        assert found.kind == "product"
        return found.message(language)

    line = "a_h = 1 / (1+exp(-z_h))"
    assert "it is ./ instead: a_h = 1 ./ (1 + exp(-z_h))." in message(line)
    assert "逐元素相除应写作 ./：" in message(line, "zh")
    line = "a_h = (1+exp(-z_h))^-1"
    assert "it is .^ instead: a_h = (1 + exp(-z_h)).^(-1)." in message(line)
    assert "逐元素求幂应写作 .^：" in message(line, "zh")
    line = "loss = norm(a_o-Y)^2/numel(Y)"
    assert "norm(x, 'fro'): loss = norm(a_o - Y, 'fro').^2 ./ numel(Y)." in message(line)
    assert "最大奇异值" in message(line, "zh")
    line = "a_h = 2 / (1+exp(-z_h))"
    assert "./ instead. This alone does not make the line right." in message(line)
    assert "逐元素相除应写作 ./。仅改这一处" in message(line, "zh")
    line = "loss = mean((a_o-Y)^2)"
    assert ".^ instead. This alone does not make the line right." in message(line)
    assert "逐元素求幂应写作 .^。仅改这一处" in message(line, "zh")


def test_signs_of_matlab_make_the_rules_hold_for_a_whole_answer():
    answer = "db_ho = sum(delta_o);\ndW_ho = a_h' * delta_o;\na_h = 1 / (1+exp(-z_h));\n"
    found = cr.check_answer(MSE, answer, layout="rows")
    assert [each.outcome for each in found.statements] == ["right", "right", "wrong"]


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("a_h = 1 / (1+exp(-z_h))", {}),  # NumPy's, or anyone's
        ("loss = mean((a_o-Y)**2)", {}),
        ("δ_o = 2 (a_o − Y) ⊙ a_o ⊙ (1 − a_o) / (B n)", {}),
        ("dW_ho = 1 / (1+exp(-z_h))' δ_o", {}),  # handwriting has ' too
        (r"a_h = \frac{1}{1+e^{-z_h}}", {"convention": "matlab"}),
        ("a_h = 1 / (1+exp(-z_h))", {"convention": cr.Convention(star="matrix")}),  # np.matrix
    ],
)
def test_other_notations_keep_their_own_rules(line, given):
    assert cr.check_line(MSE, line, batch=True, **given).correct


def test_options_of_matlab_are_none_of_numpy():
    for line in ("loss = np.mean((a_o-Y)**2, 'all')", "a_h = max(z_h, [], 1)"):
        with pytest.raises(ValueError, match="accepts only axis and keepdims"):
            cr.check_line(MSE, line, batch=True)


@pytest.mark.parametrize(
    ("line", "text", "chinese"),
    [
        ("db_ho = sum(delta_o, 1)", "counted from 0: axis 1.", "轴从 0 开始编号，这里是轴 1"),
        ("db_ho = sum(delta_o, 2)", "counted from 1.", "维从 1 开始编号"),
    ],
)
def test_a_number_of_an_axis_tells_in_which_notation_it_is_right(line, text, chinese):
    verdict = cr.check_line(MSE, line, batch=True, layout="columns")
    assert (verdict.correct, verdict.kind) == (True, "right_here")
    assert text in verdict.message()
    assert chinese in verdict.message("zh")


def test_a_number_of_an_axis_is_clear_where_the_notation_is():
    for line in ("db_ho = np.sum(delta_o, 1)", "db_ho = sum(delta_o, 2);"):
        assert cr.check_line(MSE, line, batch=True, layout="columns").kind == "right"
    assert not cr.check_line(MSE, "db_ho = sum(delta_o, 1);", batch=True, layout="columns").correct


def test_one_number_of_an_axis_tells_how_an_answer_counts_them():
    def outcomes(first, second):
        answer = f"db_ho = {first}\ndb_ih = {second}\n"
        found = cr.check_answer(MSE, answer, layout="columns")
        return [each.outcome for each in found.statements]

    assert outcomes("sum(delta_o, 2)", "sum(delta_h, 2)") == ["right", "right"]
    assert outcomes("sum(delta_o, 2)", "sum(delta_h, 1)") == ["right", "wrong"]
    assert outcomes("sum(delta_o, 1)", "sum(delta_h, 1)") == ["right", "right"]


# -- files -----------------------------------------------------------------------------------------

TRAINING = """% training
for epoch = 1:N
  a_h = 1 ./ (1 + exp(-z_h)); % half
  fprintf('epoch %d, loss %f; (%s)\\n', epoch, sum(sum(a_o'))); dW_ho = delta_o*a_h';
  if mod(epoch, 100) == 0
    fprintf('%d\\n', epoch); % say
  end
  if mod(epoch, 100) == 0, disp(['it''s ' num2str(loss)]); end
  fprintf("%d\\n", epoch); db_ho = sum(delta_o, 2);
end
"""


def test_a_training_loop_that_prints_is_read():
    found = cr.check_answer(MSE, TRAINING, convention="matlab")
    outcomes = [(each.number, each.outcome) for each in found.statements]
    assert outcomes == [(3, "right"), (4, "right"), (9, "right")], found.text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("exp(-z_h)", "exp(-epoch*z_h)"),  # the counter is used
        ("1:N", "2:1"),  # nothing is executed
        ("db_ho = ", "db_ho = db_ho + "),  # another value after each repetition
    ],
)
def test_the_head_of_a_loop_that_matters_is_not_skipped(old, new):
    assert old in TRAINING
    found = cr.check_answer(MSE, TRAINING.replace(old, new), convention="matlab")
    assert (found.statements[0].number, found.statements[0].outcome) == (2, "unread")
