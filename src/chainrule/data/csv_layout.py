"""What is around the rows of a CSV file: its encoding, lines above the header, its separator.

Accepted, as programs write it: UTF-8 with or without a byte-order mark, UTF-16 with one, another
encoding that is stated; a first line ``sep=;``, which spreadsheets write; lines above the header
that begin with ``#``. Lines above the header become blank lines, so that messages still count lines
as an editor does.
"""

from __future__ import annotations

import re

from chainrule.data.text_encodings import in_utf8, seems_chinese
from chainrule.errors import DataError

__all__ = ["prepared"]

SEPARATORS = (",", ";", "\t")
UTF8 = ("utf-8", "utf-8-sig")
MARK = b"\xef\xbb\xbf"
LONGEST_HEADER = 1 << 20
ROWS_COMPARED = 5
MOST_BLANK = 1 << 20
STATED = re.compile(rb"(?:\r?\n)*sep=([,;\t|])\r?(?=\n)", re.IGNORECASE)


def prepared(data: bytes, source: str, encoding: str | None = None) -> tuple[bytes, str]:
    """Return the text of a CSV file as UTF-8 that begins with its header, and its separator.

    >>> prepared(b"sep=;\\na;b\\n1;2\\n", "f.csv")
    (b'\\na;b\\n1;2\\n', ';')
    >>> prepared(b"# day 3\\na,b\\n1,2\\n", "f.csv")
    (b'\\na,b\\n1,2\\n', ',')
    """
    data = _decodable(data, source, encoding)
    _refuse_empty(data, source)
    _refuse_blank_lines(data, source)
    stated = STATED.match(data)
    if stated:
        above = data.count(b"\n", 0, stated.end())
        rest = b"\n" * above + data[stated.end() :]
    else:
        rest = _without_comments(data)
    _refuse_empty(rest, source)
    return rest, stated[1].decode() if stated else _separator(rest)


def _refuse_empty(data: bytes, source: str) -> None:
    if not data or data.isspace():
        raise DataError(f"{source}: the file is empty; it needs a header row and rows of data")


def _decodable(data: bytes, source: str, encoding: str | None) -> bytes:
    """Return the text without byte-order mark and with LF or CRLF line ends, or raise DataError."""
    if encoding is not None and encoding not in UTF8:
        if data.startswith(MARK):
            raise DataError(
                f"{source}: begins with the byte-order mark of UTF-8, but is stated to be "
                f"{encoding}; leave the encoding out"
            )
        data = in_utf8(data, encoding, source)
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = in_utf8(data, "utf-16", source)
        except DataError as error:
            raise DataError(
                f"{source}: begins like UTF-16 text, but cannot be decoded as such; "
                "save the file as CSV in UTF-8"
            ) from error
    data = data.removeprefix(MARK)
    try:
        if not data.isascii():  # twenty times as fast as decoding
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{source}, line {line}: the byte 0x{data[error.start]:02x} is not UTF-8 text; "
            f"save the file as CSV in UTF-8, or state its encoding{_hint(data)}"
        ) from error
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(
            f"{source}, line {line}: holds a NUL byte, so it is not CSV text; "
            "give a CSV or Parquet file"
        )
    if b"\n" not in data:
        return data.replace(b"\r", b"\n")  # line ends of Mac OS 9
    return data


def _refuse_blank_lines(data: bytes, source: str) -> None:
    """Raise DataError where the file is mostly blank lines: each takes 80 bytes to read."""
    blank = 2 * max(data.count(b"\n\n"), data.count(b"\n\r\n"))
    if blank > MOST_BLANK and 2 * blank > len(data) - blank:
        raise DataError(
            f"{source}: about {blank} of its lines are blank, more than all others; remove the "
            "blank lines"
        )


def _without_comments(data: bytes) -> bytes:
    """Return the text with the lines above the header that begin with ``#`` made blank.

    A header may begin with ``#`` too: it has as many cells as the row below it.
    """
    start, blank = 0, 0
    while True:
        while data[start : start + 1] in (b"\n", b"\r"):
            blank += data[start : start + 1] == b"\n"
            start += 1
        end = data.find(b"\n", start)
        if data[start : start + 1] != b"#" or end < 0:
            return b"\n" * blank + data[start:] if blank else data
        line = data[start:end]
        below = data[end + 1 : _end_of_line(data, end + 1)]
        counts = [(line.count(s.encode()), below.count(s.encode())) for s in SEPARATORS]
        is_header = any(here == there > 0 for here, there in counts)
        if is_header or (not any(map(sum, counts)) and not line.startswith((b"# ", b"##"))):
            return b"\n" * blank + data[start:] if blank else data
        start, blank = end + 1, blank + 1


def _separator(data: bytes) -> str:
    """Return the separator of a file that does not state one.

    It is the most frequent of comma, semicolon and tab in the header, outside quotes; the first of
    equals. A comma with a space behind it is more likely part of a name ("weight, kg"), so that
    other separators have priority over it where the rows below have as many as the header.
    """
    start = next(position for position, byte in enumerate(data) if byte not in b"\r\n")
    unquoted = re.sub(rb'"[^"]*"', b"", data[start : start + LONGEST_HEADER])
    header, *rows = unquoted.split(b"\n", ROWS_COMPARED + 1)[: ROWS_COMPARED + 1]
    rows = [row for row in rows if row.strip()]

    def rank(separator: str) -> tuple[int, int]:
        byte = separator.encode()
        count = header.count(byte)
        bare = count - header.count(byte + b" ")
        fits = all(row.count(byte) == count for row in rows)
        return (bare if fits or separator == "," else 0), count

    others = [separator for separator in SEPARATORS if separator != "," and all(rank(separator))]
    if b", " in header and rank(",")[0] == 0 and others:
        return max(others, key=rank)
    return max(SEPARATORS, key=lambda separator: header.count(separator.encode()))


def _end_of_line(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _hint(data: bytes) -> str:
    """Return how an encoding is stated, and which one is likely."""
    name = "gb18030" if seems_chinese(data) else "NAME"
    stated = f"--text-encoding {name}, in Python cr.read_table(path, encoding={name!r})"
    return f": {stated} if it is Chinese" if name == "gb18030" else f" ({stated})"
