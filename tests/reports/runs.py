"""Runs that the tests of reports share, with names that are hard to show."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.datasets import load_diabetes

import chainrule as cr
from chainrule.table_models.table_run import TableRun

HOSTILE = "</title><script>alert('x')</script> & \"]]>"
CHINESE = "二零二六年度全国各地区居民人均可支配收入情况统计"


def hostile_run() -> TableRun:
    """Return a run of two classes with missing cells, text, and names that are hard to show."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=120)
    table = pl.DataFrame(
        {
            HOSTILE: np.where(generator.random(120) < 0.1, np.nan, x),
            CHINESE: np.where(x > 0.5, "<b>高</b>", "低"),
            "a very long name " * 12: generator.normal(size=120),
            "同": "same",
            "类别\u202e": np.where(
                x + 0.3 * generator.normal(size=120) > 0, "<i>是</i>", "否 & no"
            ),
        },
    ).with_columns(pl.col(HOSTILE).fill_nan(None))
    return cr.train_table(table, "类别\u202e", hidden=(4,), epochs=20)


def iris_run() -> TableRun:
    """Return a run of three classes, out of fold."""
    return cr.train_table("examples/iris.csv", "species", preset="fast", epochs=8)


def numbers_run() -> TableRun:
    """Return a run of numbers, on rows held out."""
    frame = pl.from_pandas(load_diabetes(as_frame=True).frame)
    return cr.train_table(frame, "target", hidden=(8,), epochs=20)
