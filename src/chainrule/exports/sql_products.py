"""Products with large matrices in SQL: the weights as a table.

As one formula for each unit, 160,000 weights are seven megabytes of text that a database plans for
half a minute and more. As a table they are data: a row for each unit, a column for each input, so
that the product is one formula. Its results, a row for each unit, become columns again.

Every table is read once: SQLite copies what it reads, and would do so again at each level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chainrule.arrays import FloatArray

__all__ = ["product_tables"]


def product_tables(
    target: str,
    source: str,
    inputs: Sequence[str],
    passed: Sequence[str],
    matrix: FloatArray,
    number: Callable[[float], str],
    total: Callable[[list[str]], str],
) -> Iterator[str]:
    """Yield the tables of a product: ``target`` with the columns passed on and its own, target_j.

    ``inputs`` are expressions of the table ``source``, one for each row of ``matrix``; ``number``
    writes a number of double precision, ``total`` a sum.

    >>> import numpy as np
    >>> lines = [*product_tables("t", "s", ["a", "b"], [], np.ones((2, 1)), str, " + ".join)]
    >>> lines[5]
    '  SELECT s.cr_row, cr_j, a * cr_w0 + b * cr_w1 AS cr_y'
    """
    units = matrix.T.tolist()
    weights = [f"cr_w{i}" for i in range(len(inputs))]
    # The type of the first row is that of all: PostgreSQL would take decimals.
    typed = ", ".join(f"CAST({number(w)} AS DOUBLE PRECISION)" for w in units[0])
    others = [f"({j}, {', '.join(map(number, row))})" for j, row in enumerate(units) if j]
    yield f", {target}_weights (cr_j, {', '.join(weights)}) AS MATERIALIZED ("
    yield "  VALUES"
    yield "  " + ",\n  ".join([f"(0, {typed})", *others])
    yield ")"
    product = total([f"{x} * {w}" for x, w in zip(inputs, weights, strict=True)])
    # What is passed on is there once for each row, and NULL beside all units but the first.
    retained = [f"CASE WHEN cr_j = 0 THEN {name} END AS {name}" for name in passed]
    yield f", {target}_units AS MATERIALIZED ("
    listed = [f"{source}.cr_row", "cr_j", *retained, f"{product} AS cr_y"]
    yield f"  SELECT {', '.join(listed)}"
    yield f"  FROM {source} CROSS JOIN {target}_weights"
    yield ")"
    own = [f"MAX(CASE WHEN cr_j = {j} THEN cr_y END) AS {target}_{j}" for j in range(len(units))]
    yield f", {target} AS MATERIALIZED ("
    columns = ["cr_row", *(f"MAX({name}) AS {name}" for name in passed), *own]
    yield "  SELECT\n    " + ",\n    ".join(columns)
    yield f"  FROM {target}_units GROUP BY cr_row"
    yield ")"
