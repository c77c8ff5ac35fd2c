"""A curve in one line: as high as the values, in what the stream can write."""

import math

import pytest

from chainrule.pictures.sparkline import ASCII, BLOCKS, sparkline


def test_equal_steps_are_equal_heights():
    assert sparkline(range(8)) == BLOCKS == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 2, 4, 8, 16, 32, 64, 128]) == BLOCKS  # by the logarithm
    assert sparkline(range(8), encoding="latin-1") == ASCII


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "no such encoding"])
def test_a_stream_without_blocks_gets_ascii(encoding):
    assert sparkline([1.0, 2.0, 3.0], encoding=encoding).isascii()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "cp437", None])
def test_what_is_written_is_in_the_encoding(encoding):
    assert len(sparkline([1.0, 2.0, 3.0], encoding=encoding).encode(encoding or "utf-8")) >= 3


def test_long_curves_are_means_and_short_ones_are_not_stretched():
    assert len(sparkline(range(1_000), 32)) == 32
    assert len(sparkline(range(33), 32)) == 32
    assert len(sparkline(range(5), 32)) == 5
    assert sparkline([0, 0, 8, 8, 4, 4, 0, 0], 4) == "▁█▅▁"
    assert sparkline([1, 2], 0) == "▁"


def test_values_that_are_not_finite_are_crosses():
    assert sparkline([1.0, math.nan, math.inf, 2.0]) == "▁xx█"
    assert sparkline([math.nan]) == "x"
    assert sparkline([]) == ""
    assert sparkline([3.0, 3.0]) == "▁▁"
