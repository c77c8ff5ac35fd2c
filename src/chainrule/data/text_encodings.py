"""Text of other encodings than UTF-8: their names, and bytes converted by blocks.

Only the encoding that is stated is used, none is guessed: nearly all bytes are text in several.
"""

from __future__ import annotations

import codecs
import encodings.aliases
import io
import re
from collections.abc import Iterator

from chainrule.errors import DataError, InputTypeError, unknown_name

__all__ = ["checked_encoding", "in_utf8", "seems_chinese"]

BLOCK = 1 << 22
_COMMON = (
    "gb18030 gbk big5 shift_jis euc_jp euc_kr windows-1252 latin-1 iso8859-15 windows-1251 utf-8 "
    "utf-16"
)
NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
"""Python counts them as encodings of text; they are those of names and of source code."""


def checked_encoding(name: str) -> str:
    """Return Python's name of an encoding; raise InputError with the nearest name for another.

    >>> checked_encoding("GB18030"), checked_encoding("Windows-1252")
    ('gb18030', 'cp1252')
    """
    if not isinstance(name, str):
        raise InputTypeError(f"`encoding` must be a name, got {type(name).__name__}")
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):  # the latter of NUL and of surrogates
        codec = None
    # Codecs that are none of text (rot13, zip) are in the same register.
    if codec is None or not codec._is_text_encoding or codec.name in NOT_OF_FILES:
        known = dict.fromkeys([*_COMMON.split(), *sorted(encodings.aliases.aliases)])
        raise unknown_name("encoding", name, [n for n in known if n not in NOT_OF_FILES])
    return codec.name


def in_utf8(data: bytes, encoding: str, source: str) -> bytes:
    """Return text of an encoding, by its name, as UTF-8; raise DataError at the first wrong byte.

    >>> in_utf8("岁".encode("gb18030"), "gb18030", "f.csv").decode()
    '岁'
    """
    made = io.BytesIO()
    lines = 1
    try:
        for text in _texts(data, encoding):
            made.write(text.encode("utf-8"))
            lines += text.count("\n")
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):  # UTF-16 without a mark, lone surrogates
            raise DataError(
                f"{source}, line {lines}: is not {encoding} text; state the encoding in which it "
                "was written"
            ) from error
        lines += error.object[: error.start].decode(encoding, "ignore").count("\n")
        raise DataError(
            f"{source}, line {lines}: the byte 0x{error.object[error.start]:02x} is not {encoding} "
            "text; state the encoding in which the file was written"
        ) from error
    return made.getvalue()


def seems_chinese(data: bytes) -> bool:
    """Return whether bytes are text in the usual encoding of Chinese systems, with Chinese words.

    >>> seems_chinese("姓名".encode("gb18030")), seems_chinese("Müller".encode("latin-1"))
    (True, False)
    """
    found = False
    try:
        for text in _texts(data, "gb18030"):
            found = found or re.search("[\u4e00-\u9fff]{2}", text) is not None
    except UnicodeDecodeError:
        return False
    return found


def _texts(data: bytes, encoding: str) -> Iterator[str]:
    """Yield the text by blocks: as one it takes up to four times as much memory as its bytes."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for start in range(0, len(data), BLOCK):
        yield decoder.decode(data[start : start + BLOCK], start + BLOCK >= len(data))
