"""The SELECT answers in SQLite, DuckDB and PostgreSQL as the model does."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.data.date_texts import parse
from chainrule.errors import InputError
from chainrule.exports import sql_writer
from chainrule.exports.exported_models import prediction_of
from chainrule.exports.prediction_steps import DateReading
from chainrule.exports.sql_dates import date_levels
from tests.exports.cases import CASES, Case, case, of_table
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
REFUSED = ("gelu", "dates, names of months")
IN_SQL = [name for name in CASES if name not in (*REFUSED, *LARGE)]


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
    # Where it is on, PostgreSQL compiles the formulas of large networks for minutes.
    found = database.rows("SET jit = off;" + str(cr.export(model.model, "sql")))
    given = len(columns)
    kind = type(model.labels[0]) if model.labels is not None else float
    return [
        (int(row[0]), *row[1 : 1 + given], kind(row[1 + given]), *map(float, row[2 + given :]))
        for row in found
    ]


@pytest.mark.parametrize("name", IN_SQL)
def test_answers_in_postgresql_are_those_of_the_model(name: str, postgresql: PostgreSQL) -> None:
    model = case(name)
    check(model, answers_in(postgresql, model, POSTGRESQL), len(model.rows))


@pytest.mark.parametrize("name", ["activations", "gates"])
def test_postgresql_computes_far_from_zero(name: str, postgresql: PostgreSQL) -> None:
    """Where exponentials, and products of two of them, are below the smallest double."""
    x = cr.Input(2)
    product = cr.Dense(2, "sigmoid")(x) * cr.Dense(2, "sigmoid")(x)
    gates = cr.Network(x, cr.Dense(2, "identity")(product))
    ones = {name: np.ones(shape) for name, shape in gates.parameter_shapes.items()}
    model = case(name).model if name == "activations" else (gates, ones)
    network, parameters = model
    X = np.array([(a, b) for a in (-1e4, -600.0, -250.0, -40.0, 0.0, 40.0, 600.0) for b in (a, -a)])
    outputs: Any = cr.predict(network, parameters, X)
    kept = np.abs(outputs).max(axis=1) < 1e30  # beyond, e^z leaves the doubles
    X, outputs = X[kept], outputs[kept]
    assert len(X) > 6
    rows = {"x0": X[:, 0].tolist(), "x1": X[:, 1].tolist()}
    extreme = Case(model, rows, outputs, None, 1e-9)
    check(extreme, answers_in(postgresql, extreme, POSTGRESQL), 2)


DAYS = {
    "DATE": "2001-07-04",
    "TIMESTAMP": "2001-07-04 05:06:07.25",
    "TIMESTAMPTZ": "2001-07-04 05:06:07+05:30",
    "VARCHAR": " 2001-07-04T05:06:07 -0930 ",
}


@pytest.mark.parametrize("kind", DAYS)
@pytest.mark.parametrize(
    "program", ["postgresql", pytest.param("duckdb", marks=pytest.mark.peers("duckdb"))]
)
def test_columns_of_dates_may_have_types(
    kind: str, program: str, request: pytest.FixtureRequest
) -> None:
    model = case("dates, dmy, times").model
    expected = model.predict(pl.DataFrame({"x": [0.5], "the 'day'": [DAYS[kind]], "k": ["a"]}))
    create = (
        f"CREATE TABLE my_table (x DOUBLE PRECISION, \"the 'day'\" {kind}, k TEXT);"
        f"INSERT INTO my_table VALUES (0.5, '{DAYS[kind]}', 'a');"
    )
    query = str(cr.export(model, "sql"))
    if program == "duckdb":
        import duckdb

        connection = duckdb.connect()
        connection.execute(create)
        found = connection.execute(query).fetchall()
    else:
        database = request.getfixturevalue("postgresql")
        database.run("DROP TABLE IF EXISTS my_table;" + create)
        found = database.rows("SET TIME ZONE 'Asia/Tokyo';" + query)
    np.testing.assert_allclose(float(found[0][-1]), expected[0], rtol=1e-9)


NO_DATES = [
    "31/04/2020",
    "29.02.1900",
    "0/1/2020",
    "1/13/2020",
    "1/1/20",
    "1/2-2020",
    "2020-01-01x",
]
NO_DATES += ["1/1/2020 24:00", "1/1/2020 1:60", "1/1/2020 1:2", "1/1/2020 1:00 +1", "x", ""]
NO_DATES += ["1/1/2020 1:00:5", "1/1/2020 1:00 EST", "1/1/2020 1:00 U00", "2020-1-1-1", "1//2020"]
NO_DATES += [
    "1/1/2020 01",
    "1/1/2020 0:30 AM",
    "1/1/2020 13:00 pm",
    "1/1/2020 1:00 P",
    "1/1/2020 PM",
]
NO_DATES += ["1/1/2020 1:00 PMM", "1/1/2020 1:00 XM"]


@pytest.mark.parametrize(
    "text",
    NO_DATES,
)
@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
def test_texts_that_are_no_dates_are_missing(text: str) -> None:
    """SELECT has no error of its own to raise; that the model reads none, its parser says."""
    assert [parse(pl.Series([text]), form)[0] for form in ("dmy", "iso")] == [None, None]
    levels = date_levels("given", ["''"], DateReading("dmy", times=True))
    query = "SELECT ? AS given"
    for level in levels:
        query = f"SELECT {', '.join(f'{t} AS {n}' for n, t in level.items())} FROM ({query})"
    assert sqlite3.connect(":memory:").execute(query, [text]).fetchall() == [(None,)]


@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
def test_columns_may_be_named_as_the_query_names_things() -> None:
    names = ["cell", "y", "zone", "seconds", "cr_row_", "n1"]
    days = [f"{1 + at % 28}.{1 + at % 12}.{1990 + at}" for at in range(40)]
    frame = pl.DataFrame({name: days for name in names} | {"target": np.arange(40.0)})
    model = cr.train_table(frame, "target", hidden=(3,), epochs=2).model
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE my_table ({', '.join(f'{name} TEXT' for name in names)})")
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO my_table VALUES ({marks})", [[d] * 6 for d in days])
    found = [row[-1] for row in connection.execute(str(cr.export(model, "sql")))]
    np.testing.assert_allclose(found, np.asarray(model.predict(frame), float), rtol=1e-6)


def test_an_error_function_is_refused() -> None:
    with pytest.raises(InputError, match=r"`to` must be a format that has erf.*got 'sql'"):
        cr.export(case("gelu").model, "sql")


@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
def test_long_sums_are_not_deep() -> None:
    network = cr.Network.dense([90, 90, 1], "tanh")
    query = str(cr.export((network, network.initialize(seed=0)), "sql"))
    connection = sqlite3.connect(":memory:")
    connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
    columns = ", ".join(f"1.0 AS x{at}" for at in range(90))
    connection.execute(f"CREATE TABLE my_table AS SELECT {columns}")
    assert len(connection.execute(query).fetchall()) == 1


def test_names_of_months_are_refused() -> None:
    with pytest.raises(InputError, match=r"names of months, got 'sql' and the column .the 'day'"):
        cr.export(case("dates, names of months").model, "sql")


def test_a_network_that_is_too_wide_is_refused() -> None:
    network = cr.Network.dense([2, 1700, 1])
    with pytest.raises(InputError, match="'sql', which holds 1600"):
        cr.export((network, network.initialize()), "sql")


def test_a_network_with_too_many_weights_is_refused() -> None:
    with pytest.raises(InputError, match="605,696 weights, got 'sql', which takes 400,000"):
        cr.export(case("table classifier").model, "sql")


PRESETS = [name for name in LARGE if name != "table classifier"]
IN_TABLES = ["iris, hidden", "numbers, hidden", "two heads", "graph", "regressor with embeddings"]


@pytest.fixture
def weights_in_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the weights of small networks be tables, as those of large ones are."""
    monkeypatch.setattr(sql_writer, "MOST_IN_FORMULAS", 0)
    monkeypatch.setattr(sql_writer, "MOST_IN_FORMULA", 1)


def run_in(
    program: str, model: Case, request: pytest.FixtureRequest
) -> tuple[list[tuple[Any, ...]], int]:
    """Return the rows of a query's result and how many columns of the table begin them."""
    if program == "postgresql":
        database = request.getfixturevalue("postgresql")
        return answers_in(database, model, POSTGRESQL), len(model.rows)
    types = {"number": "DOUBLE", "boolean": "BOOLEAN", "date": "TEXT"}
    if program == "duckdb":
        import duckdb

        connection: Any = duckdb.connect()
    else:
        connection = sqlite3.connect(":memory:")
        types = {"number": "REAL", "boolean": "INTEGER", "date": "TEXT"}
    given = table_of(model, connection, types)
    return connection.execute(str(cr.export(model.model, "sql"))).fetchall(), given


PROGRAMS = [
    pytest.param(
        "sqlite",
        marks=pytest.mark.skipif(
            not has_functions(), reason="SQLite without mathematical functions"
        ),
    ),
    pytest.param("duckdb", marks=pytest.mark.peers("duckdb")),
    "postgresql",
]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", IN_TABLES)
@pytest.mark.usefixtures("weights_in_tables")
def test_weights_as_tables_give_the_same(
    name: str, program: str, request: pytest.FixtureRequest
) -> None:
    assert "_weights (cr_j" in str(cr.export(case(name).model, "sql"))
    model = case(name)
    check(model, *run_in(program, model, request))


@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
def test_a_network_of_a_preset_runs(request: pytest.FixtureRequest) -> None:
    predicts_ten_rows("iris, fast", "sqlite", request)


@pytest.mark.skipif(not has_functions(), reason="SQLite without mathematical functions")
def test_a_table_of_many_categories_runs_in_sqlite(request: pytest.FixtureRequest) -> None:
    """The depths of sums and of columns of text add up: SQLite takes 1,000 of them together."""
    draw = np.random.default_rng(0)
    words = {f"c{at}": draw.choice(["a", "b", "c", "d", "e"], 60) for at in range(150)}
    frame = pl.DataFrame(words).with_columns(y=pl.Series(draw.normal(size=60)))
    run = cr.train_table(frame, "y", hidden=(60,) * 8, epochs=1, seed=0)
    model = of_table(run, frame.head(3), 1e-9)
    check(model, *run_in("sqlite", model, request))


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", PRESETS)
def test_networks_of_the_presets_run(
    name: str, program: str, request: pytest.FixtureRequest
) -> None:
    predicts_ten_rows(name, program, request)


def predicts_ten_rows(name: str, program: str, request: pytest.FixtureRequest) -> None:
    model = case(name)
    rows = {column: cells[:10] for column, cells in model.rows.items()}
    labels = None if model.labels is None else model.labels[:10]
    few = Case(model.model, rows, model.outputs[:10], labels, 1e-6)
    check(few, *run_in(program, few, request))


@pytest.mark.usefixtures("weights_in_tables")
def test_what_is_missing_where_nothing_replaces_it_gives_null() -> None:
    network = cr.Network.dense([2, 3, 1], "tanh")
    query = str(cr.export((network, network.initialize(seed=0)), "sql"))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE my_table (x0 REAL, x1 REAL)")
    connection.execute("INSERT INTO my_table VALUES (1.0, NULL), (1.0, 2.0)")
    first, second = (row[-1] for row in connection.execute(query))
    assert first is None
    assert second is not None


def test_names_with_nul_are_refused() -> None:
    frame = pl.DataFrame({"x": np.linspace(0, 1, 20), "y": np.linspace(1, 3, 20)})
    run = cr.train_table(frame, "y", hidden=(2,), epochs=1)
    object.__setattr__(run.model.preprocessor.columns[0], "name", "a\0b")
    object.__setattr__(run.model, "reading", None)
    with pytest.raises(InputError, match="the character NUL, got 'sql'"):
        cr.export(run, "sql")
