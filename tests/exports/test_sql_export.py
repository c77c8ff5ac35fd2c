"""The SELECT answers in SQLite, DuckDB and PostgreSQL as the model does."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.exported_models import prediction_of
from tests.exports.cases import CASES, DATE_TEXTS, Case, case
from tests.exports.postgresql import PostgreSQL, missing_programs, started


def has_functions() -> bool:
    try:
        sqlite3.connect(":memory:").execute("select exp(1.0), ln(2.0), power(2.0, 0.5)")
    except sqlite3.OperationalError:
        return False
    return True


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_of(model: Case, connection: Any, types: dict[str, str]) -> int:
    """Create my_table with the rows of a case; return the number of its columns."""
    columns = prediction_of(model.model).columns
    kinds = [types.get(c.kind, c.kind) for c in columns]
    for at, values in enumerate(model.rows.values()):
        if columns[at].kind == "text" and any(isinstance(v, bool) for v in values):
            values[:] = [v if v is None else str(v).lower() for v in values]
    listed = ", ".join(f"{quoted(c.name)} {k}" for c, k in zip(columns, kinds, strict=True))
    connection.execute(f"CREATE TABLE my_table ({listed})")
    marks = ", ".join("?" * len(columns))
    rows = list(zip(*model.rows.values(), strict=True))
    connection.executemany(f"INSERT INTO my_table VALUES ({marks})", rows)
    return len(columns)


def check(model: Case, rows: list[tuple], given: int) -> None:
    answers = [row[1 + given :] for row in rows]
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    if model.labels is None:
        model.check(answers)
    else:
        model.check([row[1:] for row in answers], [row[0] for row in answers])


LARGE = [name for name in CASES if "fast" in name or name in ("declared marks", "table classifier")]
IN_SQL = [name for name in CASES if name != "gelu" and name not in LARGE]


@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
@pytest.mark.parametrize("name", IN_SQL)
def test_answers_in_sqlite_are_those_of_the_model(name: str) -> None:
    model = case(name)
    connection = sqlite3.connect(":memory:")
    given = table_of(model, connection, {"number": "REAL", "boolean": "INTEGER", "date": "TEXT"})
    check(model, connection.execute(str(cr.export(model.model, "sql"))).fetchall(), given)


@pytest.mark.peers("duckdb")
@pytest.mark.parametrize("name", IN_SQL)
def test_answers_in_duckdb_are_those_of_the_model(name: str) -> None:
    import duckdb

    model = case(name)
    connection = duckdb.connect()
    types = {"number": "DOUBLE", "boolean": "BOOLEAN", "date": "TEXT"}
    given = table_of(model, connection, types)
    check(model, connection.execute(str(cr.export(model.model, "sql"))).fetchall(), given)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    missing = missing_programs()
    if missing:
        pytest.skip(f"PostgreSQL is not installed: no {', '.join(missing)}")
    with started() as database:
        yield database


POSTGRESQL = {"number": "DOUBLE PRECISION", "boolean": "BOOLEAN", "text": "TEXT", "date": "TEXT"}


def answers_in(database: PostgreSQL, model: Case, types: dict[str, str]) -> list[tuple[Any, ...]]:
    """Return the rows of the result, numbers as numbers."""
    columns = prediction_of(model.model).columns
    named = [(quoted(c.name), types[c.kind]) for c in columns]
    rows = [list(row) for row in zip(*model.rows.values(), strict=True)]
    for row in rows:
        for at, column in enumerate(columns):
            if column.kind == "text" and isinstance(row[at], bool):
                row[at] = str(row[at]).lower()
    database.create(named, rows)
    found = database.rows(str(cr.export(model.model, "sql")))
    kind = type(model.labels[0]) if model.labels is not None else float
    return [
        (int(row[0]), *row[1 : 1 + len(columns)], kind(row[1 + len(columns)]))
        + tuple(map(float, row[2 + len(columns) :]))
        for row in found
    ]


@pytest.mark.parametrize("name", IN_SQL)
def test_answers_in_postgresql_are_those_of_the_model(name: str, postgresql: PostgreSQL) -> None:
    model = case(name)
    check(model, answers_in(postgresql, model, POSTGRESQL), len(model.rows))


def test_an_error_function_is_refused() -> None:
    with pytest.raises(InputError, match=r"`to` must be a format that has erf.*got 'sql'"):
        cr.export(case("gelu").model, "sql")


def test_a_network_that_is_too_wide_is_refused() -> None:
    network = cr.Network.dense([2, 1700, 1])
    with pytest.raises(InputError, match="'sql', which holds 1600"):
        cr.export((network, network.initialize()), "sql")


def test_a_network_with_too_many_weights_is_refused() -> None:
    with pytest.raises(InputError, match="weights, got 'sql', which takes 20,000"):
        cr.export(case("iris, fast").model, "sql")


def test_names_with_nul_are_refused() -> None:
    frame = pl.DataFrame({"x": np.linspace(0, 1, 20), "y": np.linspace(1, 3, 20)})
    run = cr.train_table(frame, "y", hidden=(2,), epochs=1)
    object.__setattr__(run.model.preprocessor.columns[0], "name", "a\0b")
    object.__setattr__(run.model, "reading", None)
    with pytest.raises(InputError, match="the character NUL, got 'sql'"):
        cr.export(run, "sql")
