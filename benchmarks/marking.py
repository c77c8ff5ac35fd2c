"""What becomes of hand-made lines of learners, whose truth is known: right, refused or wrong.

    python -m benchmarks.marking               # the figures
    python -m benchmarks.marking --lines       # and every line that departs from its truth
    python -m benchmarks.marking --style latex

The lines are in ../shared/trials/lines.json beside the repository, each with its network and
whether it is right. A wrong line counts as named where the verdict says which mistake it is, not
only that the values or the shapes differ: the file has no kinds of mistakes, so read the names with
``--lines``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import chainrule as cr
from chainrule.errors import InputError

LINES = Path(__file__).parents[1] / ".." / "shared" / "trials" / "lines.json"
UNNAMED = ("different", "shape")
"""The kinds of verdicts that name no mistake."""
_NETWORK = ("layers", "activation", "loss", "batch", "layout", "optimizer")
"""What the examples of a line are built for; lines after the first of a network reuse them."""


def outcome_of(case: Mapping[str, Any]) -> tuple[str, str]:
    """Return what became of a line (right, wrong or refused), and the message."""
    network = cr.Network.dense(case["layers"], activations_of(case), case["loss"])
    given = {key: case[key] for key in ("batch", "layout", "optimizer") if key in case}
    try:
        verdict = cr.check_line(network, case["line"], **given)
    except InputError as error:
        return "refused", str(error)
    if verdict.correct:
        return "right", verdict.kind
    return ("unnamed" if verdict.kind in UNNAMED else "named"), verdict.message()


def activations_of(case: Mapping[str, Any]) -> str | list[str]:
    """Return the activations: a name for all layers, but softmax for the output with log loss."""
    name = case["activation"]
    return name if isinstance(name, str) else list(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", action="store_true", help="print lines that depart")
    parser.add_argument("--style", help="only lines of this style")
    options = parser.parse_args()
    if not LINES.exists():
        print(f"skipped: there is no {LINES.resolve()}")
        return
    cases = json.loads(LINES.read_text(encoding="utf-8"))
    counts: Counter[tuple[bool, str]] = Counter()
    began = time.perf_counter()
    first: list[float] = []
    later: list[float] = []
    networks: set[str] = set()
    for case in cases:
        if options.style not in (None, case["style"]):
            continue
        start = time.perf_counter()
        outcome, message = outcome_of(case)
        network = json.dumps([case.get(key) for key in _NETWORK])
        (later if network in networks else first).append(time.perf_counter() - start)
        networks.add(network)
        counts[case["right"], outcome] += 1
        if options.lines and (outcome != "right" if case["right"] else outcome != "named"):
            truth = "right" if case["right"] else "wrong"
            print(f"{case['style']}, {truth}, {outcome}: {case['line']!r}\n    {message}")
    rights = sum(count for (right, _), count in counts.items() if right)
    wrongs = sum(counts.values()) - rights
    called_wrong = counts[True, "named"] + counts[True, "unnamed"]
    print(
        f"right lines {rights}: called right {counts[True, 'right']}, "
        f"refused {counts[True, 'refused']}, called wrong {called_wrong}"
    )
    print(
        f"wrong lines {wrongs}: called right {counts[False, 'right']}, "
        f"refused {counts[False, 'refused']}, mistake named {counts[False, 'named']}, "
        f"called wrong without a name {counts[False, 'unnamed']}"
    )
    print(f"{time.perf_counter() - began:.1f} s in all")
    for what, seconds in (("first lines of a network", first), ("lines after it", later)):
        if seconds:
            times = [1000 * each for each in sorted(seconds)]
            late = times[int(0.95 * len(times))]
            print(
                f"{what} ({len(times)}): median {statistics.median(times):.1f} ms, "
                f"95 % within {late:.1f} ms, slowest {times[-1]:.0f} ms"
            )


if __name__ == "__main__":
    main()
