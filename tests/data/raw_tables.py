"""Tables of text as they come out of files."""

import numpy as np
import polars as pl

from chainrule.data import Table


def raw(*cells, **options):
    columns = options or {"x": list(cells)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return Table(frame, "f.csv", np.arange(2, 2 + frame.height), "line", decided=False)
