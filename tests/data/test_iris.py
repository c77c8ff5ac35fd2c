"""The example file is scikit-learn's iris, cell by cell, and reads as a person expects."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from chainrule.data import decide_kinds, decide_targets, numbers, read_table, summarize

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


def test_the_example_is_the_data_of_scikit_learn():
    table = decide_kinds(read_table(IRIS))
    iris = load_iris()
    features = np.column_stack([numbers(table, name) for name in table.columns[:4]])
    np.testing.assert_array_equal(features, iris.data)
    assert table.series("species").to_list() == [iris.target_names[code] for code in iris.target]


def test_the_summary_of_the_example():
    table = read_table(IRIS)
    target = decide_targets(table, "species")
    assert summarize(table, target).lines() == [
        "150 rows, 5 columns: 4 numeric, 1 target",
        "target 'species' of 3 classes: 'setosa' 50, 'versicolor' 50, 'virginica' 50",
        "no missing cells",
    ]
