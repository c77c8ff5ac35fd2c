"""Random texts and bytes in the shape of what is read: each is read, or refused by one error.

More examples than in a short run: ``FUZZ=20000 pytest tests/hostile/test_fuzzing.py``.
"""

import os
from contextlib import suppress

import numpy as np
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.data import decide_kinds
from chainrule.data.reading import read_table
from chainrule.errors import ChainruleError

FUZZED = settings(
    max_examples=int(os.environ.get("FUZZ", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "-2.5", "1e400", "nan", "NA", "yes", "true", "03/04/2020", "2020-02-30", "$1,5"]
    ),
    st.sampled_from(["a,b", '"', '""', "\x00", "\ufeff", "1 000", "3,5", "50 %", "# x", "sep=;"]),
    st.text(max_size=6),
)


@st.composite
def tables(draw):
    """Bytes of a table: cells of all kinds, separators, quotes and line ends in any mixture."""
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    rows = draw(st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=8))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    text = end.join(separator.join(cells) for cells in rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig"]))
    data = text.encode(encoding, errors="surrogatepass" if "utf" in encoding else "replace")
    flips = draw(st.lists(st.tuples(st.integers(0, max(0, len(data) - 1)), st.integers(0, 255))))
    changed = bytearray(data)
    for position, value in flips[:3]:
        if changed:
            changed[position] = value
    return bytes(changed)


@FUZZED
@example(data=b"# x\n")  # nothing but a comment: found here
@example(data=b"sep=;\n")
@given(data=tables())
def test_tables(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_bytes(data)
    message = ""
    try:
        decide_kinds(read_table(path))
    except ChainruleError as error:
        message = str(error)
    assert "\n" not in message
    assert len(message) < 1000


WORDS = st.sampled_from(
    [
        *("x", "h", "W_1", "b_1", "W_2", "z", "a", "y", "X", "delta_o", "dW_ho", "A_h", "σ", "ᵀ"),
        *("+", "-", "*", "/", "@", "**", "=", "(", ")", "[", "]", ",", ".T", ".", "'", "^", "_"),
        *("tanh", "relu", "exp", "sigmoid", "np.dot", "sum", "\\frac", "{", "}", "\\delta", "9"),
        *("0.5", "1e999", "9**9**9", "lambda", "import", "__class__", "\n", " ", "#", "%", "for"),
    ]
)


@FUZZED
@given(words=st.lists(WORDS, max_size=14))
def test_formulas_of_networks(words):
    with suppress(ChainruleError):
        cr.network_from(" ".join(words), sizes={"i": 2, "h": 3, "o": 1})


NETWORK = cr.Network.dense([2, 3, 1])


@FUZZED
@given(words=st.lists(WORDS, min_size=1, max_size=14))
def test_lines_to_mark(words):
    with suppress(ChainruleError):
        cr.check_line(NETWORK, " ".join(words)).message()


OPTIONS = st.sampled_from(
    [
        *("--target", "y", "x", "--hidden", "4", "none", "4,x", "-1", "--epochs", "1", "0", "1e3"),
        *("--folds", "2", "--metric", "rmse", "--group", "g", "--time", "--weights", "--drop"),
        *("--class-weight", "balanced", "--time-limit", "0.5", "nan", "--seed", "--loss", "mae"),
        *("--encoding", "both", "--column", "g:numeric", "--quiet", "--json", "t.csv", "--output"),
        *("--resume", "--checkpoint-every", "é", "", "--preset", "fast", "--patience"),
    ]
)


@settings(FUZZED, max_examples=60)
@given(verb=st.sampled_from(["train", "cv", "tune"]), words=st.lists(OPTIONS, max_size=8))
def test_options(verb, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    lines = [
        f"{x:.3f},{g},{2 * x:.3f}" for x, g in zip(random.normal(size=24), "abcd" * 6, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["x,g,y", *lines]))
    quick = ["--epochs", "1", "--preset", "fast"] + (["--trials", "2"] if verb == "tune" else [])
    result = CliRunner().invoke(command, [verb, "t.csv", "--target", "y", *quick, *words])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 1, 2), result.output
    if result.exit_code:
        assert result.stderr.startswith("chainrule: error: ")
        assert result.stderr.count("\n") == 1


@FUZZED
@given(data=st.data())
def test_checkpoints(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    X = np.linspace(-1, 1, 12)[:, None]
    run = {"network": cr.Network.dense([1, 2, 1]), "X": X, "Y": X[:, 0], "checkpoint": folder}
    cr.train(**run, epochs=1)
    path = folder / "checkpoint.safetensors"
    whole = path.read_bytes()
    kind = data.draw(st.sampled_from(["cut", "flip", "insert"]))
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = {
        "cut": whole[:position],
        "flip": whole[:position]
        + bytes([whole[position] ^ data.draw(st.integers(1, 255))])
        + whole[position + 1 :],
        "insert": whole[:position] + data.draw(st.binary(max_size=9)) + whole[position:],
    }[kind]
    path.write_bytes(changed)
    try:
        found = cr.train(**run, epochs=1, resume=True)
    except ChainruleError:
        return
    expected = cr.train(run["network"], X, X[:, 0], epochs=1)
    assert np.array_equal(found.parameters.flat, expected.parameters.flat)
