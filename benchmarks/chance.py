"""The score of columns and targets drawn by chance, cross-fitted and not; and what it costs.

    taskset -c 1 python -m benchmarks.chance

Classes are balanced, so that an accuracy of 0.5 is right; for numbers R² is at most 0.
"""

import time
import warnings

import numpy as np
import polars as pl

import chainrule as cr
from chainrule.table_models import candidates

COLUMNS, ROUNDS = 5, 3


def tables(rows: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a table of two classes and one of numbers."""
    drawn = np.random.default_rng(seed)
    columns = {f"x{n}": drawn.normal(size=rows) for n in range(COLUMNS)}
    classes = drawn.permutation(np.tile(["a", "b"], rows // 2))
    return (
        pl.DataFrame({**columns, "y": classes}),
        pl.DataFrame({**columns, "y": drawn.normal(size=rows)}),
    )


def measured(rows: int, seed: int) -> tuple[float, float, float]:
    """Return the accuracy, R², and the seconds of processor time of both trainings."""
    classes, numbers = tables(rows, seed)
    began = time.process_time()
    accuracy = cr.train_table(classes, "y", seed=seed).score.accuracy
    r2 = cr.train_table(numbers, "y", seed=seed).score[0].r2
    return accuracy, r2, time.process_time() - began


def main() -> None:
    """Print a row for each number of rows."""
    warnings.simplefilter("ignore")
    most = candidates.MOST_ROWS
    print("| rows | tables | accuracy | cross-fitted | R² | cross-fitted | time |")
    print("|---|---|---|---|---|---|---|")
    for rows, repeats in ((20, 12), (50, 12), (100, 10), (300, 6), (1000, 3)):
        found: dict[int, list[tuple[float, float, float]]] = {0: [], most: []}
        for seed in range(repeats):
            for limit in found:
                candidates.MOST_ROWS = limit
                runs = [measured(rows, seed) for _ in range(1 if rows < 1000 else ROUNDS)]
                found[limit].append((*runs[0][:2], min(run[2] for run in runs)))
        (plain, plain_r2, before), (fitted, fitted_r2, after) = (
            np.mean(each, axis=0) for each in found.values()
        )
        print(
            f"| {rows:,} | {repeats} | {plain:.3f} | {fitted:.3f} | {plain_r2:.2f} | "
            f"{fitted_r2:.2f} | {after / before:.2f} |",
            flush=True,
        )
    candidates.MOST_ROWS = most


if __name__ == "__main__":
    main()
