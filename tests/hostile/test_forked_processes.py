"""A forked child of a process that has used tables: one error at once, and arrays as before."""

import multiprocessing
import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

BEGIN = """
import multiprocessing, os, sys, warnings
import numpy as np
import polars
import chainrule as cr
warnings.simplefilter("ignore")
frame = polars.DataFrame({"x": np.arange(40.0) % 7, "y": ["u", "v", "u", "u"] * 10})
frame.write_csv("t.csv")
"""

END = """
def attempt(work):
    try:
        work()
        return "worked"
    except cr.errors.DataError as error:
        return str(error)

def in_child(work):
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, attempt(work).encode())
        os._exit(0)
    os.close(write)
    print(os.read(read, 9999).decode(), flush=True)
    os.wait()
"""
WORKS = {
    "train a file": 'cr.train_table("t.csv", "y", hidden=(4,), epochs=1)',
    "train a frame": 'cr.train_table(frame, "y", hidden=(4,), epochs=1)',
    "predict": "model.predict(frame)",
    "probabilities of a file": 'model.probabilities("t.csv")',
    "evaluate": 'cr.evaluate(model, "t.csv")',
    "a recipe's estimator": 'cr.TableClassifier().fit(frame.drop("y"), frame["y"])',
}
TRAINED = """
model = cr.train_table(frame, "y", hidden=(4,), epochs=1)
model = getattr(model, "model", model)
"""


def printed(tmp_path, code):
    begun = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert begun.returncode == 0, begun.stderr
    return begun.stdout.splitlines()


def test_tables_are_refused_in_a_forked_child(tmp_path):
    children = "".join(f"\nin_child(lambda: {work})" for work in WORKS.values())
    lines = printed(tmp_path, f"{BEGIN}{TRAINED}{END}{children}")
    for work, line in zip(WORKS, lines, strict=True):
        assert 'multiprocessing.get_context("spawn")' in line, work


def test_what_the_child_imports_first_is_refused_too(tmp_path):
    code = f"""{BEGIN}
frame.sort("x")
assert "chainrule.data" not in sys.modules
{END}
in_child(lambda: {WORKS["train a frame"]})"""
    (line,) = printed(tmp_path, code)
    assert "forked after its parent used tables" in line


def test_a_pool_of_forked_processes_ends(tmp_path):
    code = f"""{BEGIN}{TRAINED}{END}
def work(number):
    return attempt(lambda: model.predict(frame))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(len({{*pool.map(work, range(8))}}))"""
    assert printed(tmp_path, code) == ["1"]


def test_a_fork_before_the_first_table_and_arrays_in_a_child_work(tmp_path):
    code = f"""{BEGIN.replace('frame.write_csv("t.csv")', "")}{END}
in_child(lambda: {WORKS["train a frame"]})
{TRAINED}
X, Y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
in_child(lambda: cr.MLPClassifier((3,), max_iter=2).fit(X, Y).predict(X))
network = cr.Network.dense([2, 3, 1])
in_child(lambda: cr.predict(network, cr.train(network, X, X[:, :1], epochs=2).parameters, X))
"""
    assert printed(tmp_path, code) == ["worked"] * 3


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_the_methods_that_the_error_names(tmp_path, method):
    assert method in multiprocessing.get_all_start_methods()
    (tmp_path / "work.py").write_text(
        f"{BEGIN}{TRAINED}\n"
        "def work(number):\n    import chainrule as cr\n    return str(model.predict(frame)[0])\n"
    )
    code = f"""
import multiprocessing, work
if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        print(len(pool.map(work.work, range(3))))"""
    assert printed(tmp_path, code) == ["3"]
