"""A PostgreSQL of its own for the tests: a new cluster in a folder, on a socket of that folder."""

import csv
import io
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["NEEDED", "PostgreSQL", "missing_programs", "started"]

NEEDED = ("initdb", "postgres", "psql")


def missing_programs() -> list[str]:
    return [name for name in NEEDED if shutil.which(name) is None]


class PostgreSQL:
    """A running server; what is executed runs in a new session each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, text: str) -> str:
        """Execute statements; return the rows of the last as CSV, raise for an error."""
        command = ["psql", "-X", "-q", "--csv", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        done = subprocess.run(
            [*command, "-U", "tests", "-d", "postgres", "-f", "-"],
            input=text, capture_output=True, encoding="utf-8", timeout=300,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def rows(self, query: str) -> list[list[str]]:
        """Return the cells of a query's rows as text, the header left out."""
        return list(csv.reader(io.StringIO(self.run(query), newline="")))[1:]

    def create(self, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
        """Create my_table anew, with quoted names and their types, and its rows."""
        listed = ", ".join(f"{name} {kind}" for name, kind in columns)
        values = ",\n".join(f"({', '.join(map(literal, row))})" for row in rows)
        self.run(
            f"DROP TABLE IF EXISTS my_table; CREATE TABLE my_table ({listed});"
            f"INSERT INTO my_table VALUES {values};"
        )


def literal(cell: Any) -> str:
    if cell is None:
        return "NULL"
    if isinstance(cell, str):
        return "'" + cell.replace("'", "''") + "'"
    return str(cell) if isinstance(cell, bool) else f"'{cell!r}'"


@contextmanager
def started() -> Iterator[PostgreSQL]:
    """Start a server; root is refused by PostgreSQL, and becomes nobody here."""
    who: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
    # The path of a socket has to be short, which that of a test's folder is not.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        if who:
            shutil.chown(folder, "nobody")
        data = folder / "data"
        subprocess.run(
            ["initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True, capture_output=True, cwd=folder, **who,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                ["postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-F"],
                stdout=log, stderr=log, cwd=folder, **who,
            )  # fmt: skip
        try:
            yield _answering(PostgreSQL(folder), server)
        finally:
            server.terminate()
            server.wait(timeout=60)


def _answering(database: PostgreSQL, server: subprocess.Popen[bytes]) -> PostgreSQL:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            database.run("SELECT 1;")
        except RuntimeError:
            time.sleep(0.1)
        else:
            return database
    raise RuntimeError((database.folder / "log").read_text("utf-8", "replace"))
