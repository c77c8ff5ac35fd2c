"""Networks of MATLAB, from function files and .mat files, against the toolbox's formulas."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import chainrule as cr
from chainrule.errors import InputError, ModelFileError

FUNCTION = Path(__file__).with_name("fitted_network.m")
X = np.random.default_rng(0).normal(size=(20, 4)) * [3, 1, 9, 20] + [1, 0, 5, 2]


def columns(x):
    """Return what the statements of fitted_network.m compute; samples are columns."""
    kept = x[[0, 1, 3]]
    scaled = (kept - [[0.5], [-2], [10]]) * [[0.25], [0.4], [0.05]] - 1
    IW = np.array([[0.5, -1.25, 2], [1.5, 0.25, -0.75], [-0.25, 1, 0.125], [3, -0.5, 1]])
    LW = np.array([[1, -0.5, 0.25, 2], [-1, 0.75, 0.5, -0.125]])
    n = np.array([[-1.5], [0.25], [0.75], [2]]) + IW @ scaled
    a = 2 / (1 + np.exp(-2 * n)) - 1
    out = np.array([[0.1], [-0.3]]) + LW @ a
    return (out + 1) / [[0.02], [4]] + [[15], [-0.25]]


def cell(*entries):
    found = np.empty((len(entries), 1), object)
    for at, entry in enumerate(entries):
        found[at, 0] = entry
    return found


def variables(**changed):
    rng = np.random.default_rng(1)
    IW, LW = np.empty((2, 1), object), np.empty((2, 2), object)
    IW[0, 0], IW[1, 0] = rng.normal(size=(5, 3)), np.zeros((0, 0))
    LW[0, 0], LW[0, 1], LW[1, 1] = (np.zeros((0, 0)) for _ in range(3))
    LW[1, 0] = rng.normal(size=(2, 5))
    return {
        "IW": IW,
        "LW": LW,
        "b": cell(rng.normal(size=(5, 1)), rng.normal(size=(2, 1))),
    } | changed


def saved(path, **changed):
    savemat(path, variables(**changed))
    return path


def test_a_function_file_predicts_what_its_statements_compute():
    result = cr.from_matlab(FUNCTION)
    assert result.network.layers == (4, 4, 2)
    np.testing.assert_allclose(result.predict(X), columns(X.T).T, rtol=1e-12)
    assert np.ptp(result.parameters["W_ih"][2]) == 0  # the removed row


def test_a_function_file_is_read_as_text_and_never_run(tmp_path):
    path = tmp_path / "net.m"
    path.write_text(FUNCTION.read_text() + "\nsystem('touch made');\n", encoding="utf-8-sig")
    np.testing.assert_allclose(cr.from_matlab(path).predict(X), columns(X.T).T, rtol=1e-12)


def test_a_mat_file_of_weights_alone_has_the_default_transfer_functions(tmp_path):
    given = variables()
    result = cr.from_matlab(saved(tmp_path / "net.mat"))
    hidden = np.tanh(given["IW"][0, 0] @ X[:, :3].T + given["b"][0, 0])
    expected = given["LW"][1, 0] @ hidden + given["b"][1, 0]
    np.testing.assert_allclose(result.predict(X[:, :3]), expected.T, rtol=1e-12)


def test_a_mat_file_with_processing_and_transfer_functions(tmp_path):
    low, gain = np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [2.0], [0.1]])
    mean, deviation = np.array([[5.0], [-1.0]]), np.array([[2.0], [4.0]])
    given = variables()
    path = saved(
        tmp_path / "net.mat",
        transferFcn=cell("logsig", "softmax"),
        inputFcns=cell("removeconstantrows", "mapminmax"),
        inputSettings=cell(
            {"keep": np.array([[1, 2, 3]]), "remove": np.zeros((0, 0))},
            {"xoffset": low, "gain": gain, "ymin": -1.0, "name": "mapminmax"},
        ),
        outputFcns=cell("mapstd"),
        outputSettings=cell({"xmean": mean, "xstd": deviation, "ymean": 0.0, "ystd": 1.0}),
    )
    inputs = X[:, :3]
    n = given["IW"][0, 0] @ ((inputs.T - low) * gain - 1) + given["b"][0, 0]
    e = np.exp(given["LW"][1, 0] @ (1 / (1 + np.exp(-n))) + given["b"][1, 0])
    expected = e / e.sum(axis=0) * deviation + mean
    np.testing.assert_allclose(cr.from_matlab(path).predict(inputs), expected.T, rtol=1e-10)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tansig_apply(repmat", "radbasn_apply(repmat", "transfer functions of .*, got 'radbasn'"),
        ("mapminmax_apply(temp", "fixunknowns_apply(temp", "processed by .*, got 'fixunknowns'"),
        ("LW2_1*a1", "LW2_1*a1 + LW2_2*a2d", "a chain of layers without delays"),
        ("LW2_1*a1", "LW2_1*Xp1", "layer 2 must follow a1"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(old, new, message, tmp_path):
    path = tmp_path / "net.m"
    path.write_text(FUNCTION.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        cr.from_matlab(path)


def test_other_connections_are_refused(tmp_path):
    given = variables()
    given["LW"][1, 1] = np.eye(2)
    with pytest.raises(InputError, match="other connections"):
        cr.from_matlab(saved(tmp_path / "net.mat", LW=given["LW"]))


@pytest.mark.parametrize("name", ["net.m", "net.mat"])
def test_other_files_are_no_networks(name, tmp_path):
    path = tmp_path / name
    path.write_text("x = 3;\n")
    with pytest.raises(ModelFileError, match="is not a"):
        cr.from_matlab(path)
    with pytest.raises(InputError, match="no such file"):
        cr.from_matlab(tmp_path / "none.m")
