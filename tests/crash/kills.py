"""Kills processes at random moments while they write, and looks at what they leave.

    python tests/crash/kills.py [ROUNDS [SEED]]

Each round forks a process that writes ever newer models, or runs, and acknowledges each through a
pipe; it is killed with SIGKILL after a random time. Every file must be readable at once, and be at
least as new as the last acknowledged one; after the next start there are no leftovers. In further
rounds two processes train into one folder, or save one file. Prints one line of figures; the exit
code is 1 where something was lost.
"""

import json
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

import chainrule as cr
from chainrule.table_models.run_folders import RUN_FILES, refuse_folder, write_run
from chainrule.table_models.table_model import TableModel

NETWORK = cr.Network.dense([300, 300, 10])
"""A file of 800 KB: a kill meets the middle of its writing."""
LONGEST = 0.06
"""Seconds until a kill: several writes."""

Write = Callable[[int], object]


def main(rounds: int, seed: int) -> int:
    chosen, found = random.Random(seed), Counter[str]()
    folder = Path(tempfile.mkdtemp(prefix="chainrule-kills-"))
    run = _trained(folder)
    try:
        for kind in (_models, _replaced_runs, _new_runs):
            found += kind(folder / kind.__name__, run, rounds, chosen)
        found += _pairs(folder / "pairs", run, max(1, rounds // 10), chosen)
        found += _savers(folder / "savers", max(1, rounds // 10))
    finally:
        shutil.rmtree(folder)
    lost = sum(count for name, count in found.items() if name.startswith("LOST"))
    print(", ".join(f"{name} {count}" for name, count in sorted(found.items())) + f"; lost: {lost}")
    return 1 if lost else 0


def _models(folder: Path, run: TableModel, rounds: int, chosen: random.Random) -> Counter[str]:
    """Save one file again and again."""
    folder.mkdir()
    del run
    path, found, newest = folder / "m", Counter[str](), 0
    parameters = NETWORK.initialize(seed=0)

    def write(number: int) -> None:
        parameters.flat[:] = number
        cr.save((NETWORK, parameters), path)

    write(0)
    for _ in range(rounds):
        newest = max(newest, _killed(write, newest, chosen))
        found["kills of savers"] += 1
        found["leftovers of savers"] += len(list(folder.iterdir())) - 1
        number = _number(lambda: int(cr.load(path).parameters.flat[0]))
        found["LOST models"] += number is None or number < newest
        newest = newest if number is None else number
        write(newest)  # the next start
        found["LOST: leftovers remain"] += len(list(folder.iterdir())) - 1
    return found


def _replaced_runs(folder: Path, run: TableModel, rounds: int, chosen: random.Random) -> Counter:
    """Train into one folder again and again."""
    found, newest = Counter[str](), 0

    def write(number: int) -> None:
        refuse_folder(folder)
        _write(folder, run, number)

    write(0)
    for _ in range(rounds):
        newest = max(newest, _killed(write, newest, chosen))
        found["kills of runs replaced"] += 1
        found["leftovers of runs"] += len(list(folder.iterdir())) - len(RUN_FILES)
        number = _number(lambda: _table_model(folder).training["run"])
        refuse_folder(folder)  # the next start
        if number is None or number < newest or _pair(folder) != (number, number):
            found["LOST runs"] += 1
        found["LOST: leftovers remain"] += len(list(folder.iterdir())) - len(RUN_FILES)
        newest = newest if number is None else number
    return found


def _new_runs(folder: Path, run: TableModel, rounds: int, chosen: random.Random) -> Counter[str]:
    """Train into new folders; every second one exists, empty, before its training."""
    folder.mkdir()
    found, newest = Counter[str](), 0

    def write(number: int) -> None:
        new = folder / f"run{number}"
        if number % 2 and not new.exists():
            new.mkdir()
        refuse_folder(new)
        _write(new, run, number)

    for _ in range(rounds):
        acknowledged = max(newest, _killed(write, newest, chosen))
        found["kills of new runs"] += 1
        for path in folder.glob("run*"):
            number = int(path.name.removeprefix("run"))
            if number > acknowledged:
                refuse_folder(
                    path
                )  # the next start: the folder is empty or complete, never refused
            if any(path.iterdir()):
                found["LOST runs"] += _pair(path) != (number, number)
            else:
                found["LOST runs"] += number <= acknowledged
        if acknowledged > newest:
            complete = {path.name for path in folder.glob("run*") if any(path.iterdir())}
            wanted = {f"run{number}" for number in range(newest + 1, acknowledged + 1)}
            found["LOST runs"] += len(wanted - complete)
        refuse_folder(folder / f"run{acknowledged + 1}")
        found["LOST: leftovers remain"] += len(list(folder.glob(".*")))
        newest = acknowledged + 1
        shutil.rmtree(folder / f"run{newest}", ignore_errors=True)
        for path in folder.glob("run*"):
            shutil.rmtree(path)
    return found


def _pairs(folder: Path, run: TableModel, rounds: int, chosen: random.Random) -> Counter[str]:
    """Let two trainings into one folder end at about the same time, a few times per round."""
    found = Counter[str]()
    for start in ("new", "empty", "old"):
        for _ in range(rounds):
            shutil.rmtree(folder, ignore_errors=True)
            target = folder / "run"
            folder.mkdir()
            if start == "empty":
                target.mkdir()
            if start == "old":
                write_run(target, replace(run, training={"run": 0}), {"loss": [0.0]})
            (begun, begins), (end, ends) = os.pipe(), os.pipe()
            children = []
            for number in (1, 2):
                delay = chosen.uniform(0.0, 0.004)
                work = partial(_train, target, run, number, begins, end, delay)
                children.append(_forked(work))
                os.read(begun, 1)  # both have looked at the folder before one of them writes
            os.write(ends, b"..")
            for child in children:
                os.waitpid(child, 0)
            for descriptor in (begun, begins, end, ends):
                os.close(descriptor)
            found[f"pairs of trainings into a {start} folder"] += 1
            finished = sorted(_pair(path) for path in folder.iterdir())
            found["LOST trainings"] += finished != [(1, 1), (2, 2)]
    return found


def _train(folder: Path, run: TableModel, number: int, begins: int, end: int, delay: float) -> None:
    """Begin a training, report it, and write its run after a byte has come from ``end``."""
    try:
        refuse_folder(folder)
    finally:
        os.write(begins, b".")
    os.read(end, 1)
    time.sleep(delay)
    _write(folder, run, number)


def _savers(folder: Path, rounds: int) -> Counter[str]:
    """Let two processes save one file at once, twenty times in each round."""
    folder.mkdir()
    path, found = folder / "m", Counter[str]()
    for _ in range(rounds):

        def save(value: int) -> None:
            parameters = NETWORK.initialize(seed=0)
            parameters.flat[:] = value
            for _ in range(20):
                cr.save((NETWORK, parameters), path)

        children = [_forked(partial(save, value)) for value in (1, 2)]
        failed = [os.waitpid(child, 0)[1] for child in children]
        found["pairs of savers"] += 1
        whole = _number(lambda: set(cr.load(path).parameters.flat)) in ({1.0}, {2.0})
        found["LOST saves"] += any(failed) or not whole or len(list(folder.iterdir())) > 1
    return found


def _trained(folder: Path) -> TableModel:
    """Return a small model of a table, from a process of its own: reading tables starts threads."""

    def train() -> None:
        table = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.5, 2.5, 9.0]})
        run = cr.train_table(table, "y", hidden=(2,), validation=0, epochs=1)
        cr.save(run.model, folder / "first")

    os.waitpid(_forked(train), 0)
    return _table_model(folder / "first")


def _table_model(path: Path) -> TableModel:
    model = cr.load(path)
    assert isinstance(model, TableModel)
    return model


def _write(folder: Path, run: TableModel, number: int) -> None:
    losses, page = [float(number)] * 2000, f"{number} ".encode() * 2000
    write_run(folder, replace(run, training={"run": number}), {"loss": losses}, b"", page)


def _pair(folder: Path) -> tuple[int, int]:
    """Return the numbers of a folder's model and of its metrics; -1 for what cannot be read."""
    model = _number(lambda: _table_model(folder).training["run"])
    lines = _number(lambda: (folder / "metrics.jsonl").read_text().splitlines())
    losses = {int(json.loads(line)["loss"]) for line in lines or ()}
    number = losses.pop() if len(losses) == 1 and len(lines) == 2000 else -1
    return (-1 if model is None else model, number)


def _number(read: Callable[[], object]):
    """Return what is read, or None with a line about why it cannot be."""
    try:
        return read()
    except Exception as error:
        print(f"cannot be read: {error!r}", file=sys.stderr)
        return None


def _killed(write: Write, newest: int, chosen: random.Random) -> int:
    """Write newer and newer numbers in a process, kill it, and return the last acknowledged."""
    ours, theirs = os.pipe()

    def go_on() -> None:
        number = newest
        while True:
            number += 1
            write(number)
            os.write(theirs, struct.pack("q", number))

    child = _forked(go_on)
    os.close(theirs)
    time.sleep(chosen.uniform(0.0, LONGEST))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    acknowledged = b""
    while part := os.read(ours, 65536):
        acknowledged += part
    os.close(ours)
    return struct.unpack("q", acknowledged[-8:])[0] if acknowledged else newest


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(f"a writer failed: {error!r}", file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(given + [30, 0][len(given) :])))
