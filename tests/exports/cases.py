"""Models to export, each with rows and what chainrule itself answers for them."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr
from chainrule.data.date_texts import parse
from chainrule.exports.exported_models import prediction_of
from chainrule.formulas.functions import tanh, z
from chainrule.network.parameters import Parameters
from chainrule.table_models.table_model import Member

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
HOSTILE = [
    "quote \" and ' and ` and \\",
    "*/ int x; /* ??/",
    "line\n// break\r\n# and -- more",
    "${process.exit(1)} </script> {0} %s",
    "列 «名» \U0001f600 \u202e",
    "x" * 5000,
]
"""Names that end strings and comments where they are not escaped."""


@dataclass(frozen=True)
class Case:
    """A model, the rows of a table by column, the answers, and how exact they have to be."""

    model: Any
    rows: dict[str, list]
    outputs: np.ndarray
    labels: list | None
    tolerance: float

    def check(self, outputs: Any, labels: Any = None) -> float:
        """Compare with another program's answers; return the worst difference."""
        found = np.asarray(outputs, dtype=float).reshape(self.outputs.shape)
        scale = np.maximum(1.0, np.abs(self.outputs))
        worst = float((np.abs(found - self.outputs) / scale).max())
        assert worst <= self.tolerance, worst
        if self.labels is not None:
            assert list(labels) == self.labels
        return worst


def of_table(model: Any, frame: pl.DataFrame, tolerance: float) -> Case:
    """Return the case of a table model whose networks are made double.

    Those of a recipe are float32, and another program computes in double from the same numbers.
    """
    model = getattr(model, "model", model)
    members = tuple(
        replace(
            member,
            parameters=Parameters(
                member.network.parameter_shapes, member.parameters.flat.astype(np.float64)
            ),
        )
        for member in model.members
    )
    double = replace(model, members=members)
    rows = {c.name: frame[c.name].to_list() for c in prediction_of(model).columns}
    if model.classes is None:
        return Case(double, rows, double.predict(frame), None, tolerance)
    labels = double.predict(frame).tolist()
    return Case(double, rows, double.probabilities(frame), labels, tolerance)


def mixed(rows: int = 200) -> pl.DataFrame:
    """A table with numbers, missing cells, booleans and text; names that need escapes."""
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=rows), 100 * draw.normal(size=rows)
    words = draw.choice(HOSTILE, rows)
    flag = draw.uniform(size=rows) < 0.5
    target = x + 0.01 * y + 2 * (words == HOSTILE[0]) - flag
    missing = draw.uniform(size=(3, rows)) < 0.1
    return pl.DataFrame(
        {
            HOSTILE[0]: [None if m else float(v) for v, m in zip(x, missing[0], strict=True)],
            HOSTILE[5]: y,
            HOSTILE[2]: [None if m else str(v) for v, m in zip(words, missing[1], strict=True)],
            HOSTILE[4]: [None if m else bool(v) for v, m in zip(flag, missing[2], strict=True)],
            "code": [str(v) for v in draw.choice(["a", "b", "ä"], rows)],
            "number": 300.0 + 40.0 * target,
            "two": np.where(target > 0, HOSTILE[1], HOSTILE[4]),
            "three": np.digitize(target, [-1.0, 1.0]) + 1,
        }
    )


INPUTS = [*HOSTILE[:1], HOSTILE[5], HOSTILE[2], HOSTILE[4], "code"]


def trained_on_mixed(target: str, **settings: Any) -> Case:
    frame = mixed()
    chosen = frame.select(*INPUTS, target)
    run = cr.train_table(chosen, target, seed=1, **settings)
    return of_table(run, chosen.head(200), 1e-9)


def of_network(network: cr.Network, inputs: list[np.ndarray], names: list[str]) -> Case:
    parameters = network.initialize(seed=2)
    for array in parameters.values():
        array += np.random.default_rng(len(array)).normal(0, 0.05, array.shape)
    given: Any = inputs if len(inputs) > 1 else inputs[0]
    columns = [c for array in inputs for c in (array.T if array.ndim == 2 else [array])]
    rows = {name: column.tolist() for name, column in zip(names, columns, strict=True)}
    outputs = cr.predict(network, parameters, given)
    outputs = np.hstack(outputs) if isinstance(outputs, tuple) else outputs
    return Case((network, parameters), rows, outputs, None, 1e-9)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0.0, 2.0, shape)


def a_graph_of_layers() -> Case:
    x, k = cr.Input(3), cr.Categories(5)
    h = cr.LayerNorm()(cr.Dense(4, "silu")(x))
    h = h + cr.Dense(4, "mish")(h)
    parts = [cr.PiecewiseLinear([[-1, 0.5, 1], [-2, 2], [0, 1]])(x), cr.Periodic(2, 3)(x)]
    parts += [cr.PiecewiseLinear([[-1, 0.5, 1], [-2, 2], [0, 1]], units=2)(x)]
    parts += [cr.Embedding(2)(k), cr.BatchNorm()(cr.Gated(3, "swish")(x)), cr.PReLU()(x)]
    network = cr.Network([x, k], cr.Dense(3, "softmax")(h, *parts), "log_loss")
    codes = np.arange(200) % 5
    names = ["X_1[0]", "X_1[1]", "X_1[2]", "k_2"]
    return of_network(network, [draw(200, 3), codes.astype(float)], names)


def an_activation_of_ones_own() -> Case:
    own = cr.activation("own", tanh(z) ** 3 + z / (2 + z**2))
    network = cr.Network.dense([2, 5, 2], [own, "identity"])
    return of_network(network, [draw(200, 2)], ["x0", "x1"])


def every_activation() -> Case:
    from chainrule.network.activations import CATALOGUE

    x = cr.Input(2)
    found = [cr.Dense(2, f)(x) for name, f in CATALOGUE.items() if name not in ("gelu", "softmax")]
    return of_network(
        cr.Network(x, cr.Dense(2, "identity")(*found)), [3 * draw(200, 2)], ["x0", "x1"]
    )


def gelu() -> Case:
    return of_network(cr.Network.dense([2, 4, 1], "gelu"), [2 * draw(200, 2)], ["x0", "x1"])


def two_heads() -> Case:
    x = cr.Input(2)
    h = cr.Dense(3, "tanh")(x)
    network = cr.Network(x, [cr.Dense(2)(h), cr.Dense(1, "sigmoid")(h)], ["mse", "log_loss"])
    return of_network(network, [draw(200, 2)], ["x0", "x1"])


def fitted(model: Any, X: np.ndarray, y: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it has not converged
        return model.set_params(random_state=0, max_iter=9).fit(X, y)


def a_classifier() -> Case:
    X = draw(200, 2)
    y = np.where(X[:, 0] > X[:, 1], "ja", "nein")
    model = fitted(cr.MLPClassifier(hidden_layer_sizes=(5,), activation="tanh"), X, y)
    rows = {"x0": X[:, 0].tolist(), "x1": X[:, 1].tolist()}
    return Case(model, rows, model.predict_proba(X), model.predict(X).tolist(), 1e-9)


def a_regressor_with_embeddings() -> Case:
    X = np.column_stack([draw(200, 2), np.arange(200) % 4])
    model = cr.MLPRegressor(hidden_layer_sizes=(5,), embeddings={2: 2})
    fitted(model, X, X[:, 0] - X[:, 2])
    rows = {f"x{at}": X[:, at].tolist() for at in range(3)}
    return Case(model, rows, model.predict(X), None, 1e-9)


def a_table_classifier() -> Case:
    frame = mixed().select(*INPUTS)
    y = np.array(mixed()["two"].to_list())
    model = cr.TableClassifier(epochs=3, random_state=0).fit(frame, y)
    rows = {name: frame[name].to_list() for name in INPUTS}
    return Case(model, rows, model.predict_proba(frame), model.predict(frame).tolist(), 1e-6)


def iris(**settings: Any) -> Case:
    run = cr.train_table(IRIS, "species", seed=0, **settings)
    return of_table(run, pl.read_csv(IRIS), 1e-9)


def declared_marks() -> Case:
    frame = mixed().select("code", "number", HOSTILE[5])
    holed = frame.with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == 0).then(-999.0).otherwise(HOSTILE[5]).alias("x"),
        pl.when(pl.int_range(pl.len()) % 5 == 0).then(pl.lit("-999")).otherwise("code").alias("k"),
    ).select("x", "k", "number")
    run = cr.train_table(holed, "number", preset="fast", epochs=3, na=["-999"], seed=0)
    return of_table(run, holed, 1e-9)


def two_calibrated_networks(target: str) -> Case:
    """The mean of two small networks; for classes with a temperature."""
    frame = mixed().select(*INPUTS, target)
    model = cr.train_table(frame, target, hidden=(6,), epochs=5, seed=1).model
    (first,) = model.members
    changed = first.network.initialize(seed=5)
    members = (replace(first, weight=0.3), Member(first.network, changed, 0.7))
    limits = ((290.0, 330.0),) if target == "number" else None
    return of_table(replace(model, members=members, temperature=1.4, limits=limits), frame, 1e-9)


def text_only() -> Case:
    frame = mixed().select("code", HOSTILE[2], "three")
    return of_table(cr.train_table(frame, "three", hidden=(3,), epochs=2, seed=0), frame, 1e-9)


DATE_TEXTS: dict[str, list[str]] = {
    "iso": ["%Y-%m-%d", "%Y/%m/%d"],
    "iso, times": [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.25Z",
        "%Y-%m-%d %H:%M:%S.123456+05:30",
        "%Y-%m-%d %H:%M -0930",
        "%Y-%m-%d %H:%M:%S UTC",
        "%Y-%m-%d %I:%M:%S.25 %p +05:30",
    ],
    "chinese, times": ["%Y年%m月%d日 %H:%M", "%Y年M月D日%H:%M:%S", "%Y年M月", "%Y年%m月%d日"],
    "dmy": ["%d/%m/%Y", "%d.%m.%Y", "D-M-%Y", "D.M.%Y"],
    "dmy, times": ["%d/%m/%Y %H:%M", "D.M.%Y %H:%M:%S", "%d-%m-%YT%H:%M+02:00"],
    "zone": ["%Y-%m-%dT%H:%M:%S+05:30", "%Y-%m-%d %H:%M +0530"],
    "months": ["%Y-%m", "%Y-%m-%d"],
    "names of months": ["%B %d, %Y", "%d-%b-%Y", "D %B %Y %H:%M", "%b. D %Y 7:05 PM -03:30"],
    "mdy": ["%m/%d/%Y", "M/D/%Y"],
    "mdy, times": ["%m/%d/%Y %H:%M", "M/D/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "M/D/%Y %I:%M:%Sp.m."],
}
"""Formats of dates in one column; D and M are a day and a month without a zero in front."""


def date_texts(name: str, rows: int = 200) -> list[str | None]:
    """Dates of four centuries in several formats, leap days and missing cells among them."""
    draw = np.random.default_rng(7)
    found: list[str | None] = []
    days = [datetime(2000, 2, 29), datetime(1900, 3, 1), datetime(2100, 2, 28, 23, 59, 59)]
    days += [datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 30), datetime(1624, 12, 31, 1)]
    days += [
        datetime(1930, 1, 1) + timedelta(seconds=int(s))
        for s in draw.integers(0, int(6e9), rows - len(days))
    ]
    for at, day in enumerate(days):
        if at % 11 == 10:
            found.append(None)
            continue
        formats = DATE_TEXTS[name]
        form = re.sub("(?<!%)D", str(day.day), formats[at % len(formats)])
        form = re.sub("(?<!%|P)M", str(day.month), form)
        found.append(day.strftime(form))
    return found


def dates(name: str) -> Case:
    """A table whose column of dates is written as ``name`` says."""
    texts = date_texts(name)
    x = np.linspace(-1.0, 1.0, len(texts))
    y = [
        v + (0.1 if text is None else 0.002 * int(re.findall("[0-9]{4}", text)[0]))
        for v, text in zip(x.tolist(), texts, strict=True)
    ]
    frame = pl.DataFrame({"x": x, "the 'day'": texts, "k": ["a", "b"] * (len(x) // 2), "y": y})
    run = cr.train_table(frame, "y", hidden=(5,), epochs=4, seed=0)
    assert run.model.reading is not None
    assert run.model.reading.columns[1].kind == "date"
    ends = "Z" if name == "zone" else ""
    days = ["2024-02-29 0:00", "1999-12-31 23:59:59.5", "2001-7-4T5:06"]
    iso = pl.Series("the 'day'", [day + ends for day in days])
    return of_table(run, frame.with_columns(iso.append(frame["the 'day'"][3:])), 1e-9)


def seconds(texts: list[str | None], form: str) -> list[float | None]:
    """Return dates in seconds since 1970, as chainrule's own reading of tables has them."""
    given = pl.Series(texts)
    read = parse(given, form).fill_null(parse(given, "iso"))
    return [None if t is None else (t - datetime(1970, 1, 1)).total_seconds() for t in read]


SMALL = {"hidden": (6,), "epochs": 5}
CASES: dict[str, Callable[[], Case]] = {
    "iris, hidden": lambda: iris(**SMALL),
    "iris, fast": lambda: iris(preset="fast", epochs=5),
    "two classes, hidden": lambda: trained_on_mixed("two", **SMALL),
    "two classes, fast": lambda: trained_on_mixed("two", preset="fast", epochs=3),
    "three classes, fast": lambda: trained_on_mixed("three", preset="fast", epochs=3),
    "numbers, hidden": lambda: trained_on_mixed("number", **SMALL),
    "numbers, fast": lambda: trained_on_mixed("number", preset="fast", epochs=3),
    "two classes, calibrated": lambda: two_calibrated_networks("two"),
    "three classes, calibrated": lambda: two_calibrated_networks("three"),
    "numbers, limited": lambda: two_calibrated_networks("number"),
    "declared marks": declared_marks,
    "text only": text_only,
    **{f"dates, {name}": partial(dates, name) for name in DATE_TEXTS},
    "graph": a_graph_of_layers,
    "own activation": an_activation_of_ones_own,
    "activations": every_activation,
    "gelu": gelu,
    "two heads": two_heads,
    "classifier": a_classifier,
    "regressor with embeddings": a_regressor_with_embeddings,
    "table classifier": a_table_classifier,
}


@cache
def case(name: str) -> Case:
    return CASES[name]()
