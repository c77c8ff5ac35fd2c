"""The table of a network: its counts by hand, its two forms, and texts that are not HTML."""

import re
import time
from html.parser import HTMLParser

import pytest

import chainrule as cr
from chainrule.formulas.functions import z
from chainrule.network.activations import activation
from chainrule.network.architecture import Network
from chainrule.network.embeddings import Embedding
from chainrule.network.graph import Node
from chainrule.network.layers import Categories, Dense, Gated, Input, PReLU, Scale, Tied
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.random_layers import Dropout


def two_heads() -> Network:
    x, c = Input(8, "values"), Categories(12)
    h: Node = Dense(16, "silu")(x, Embedding(4)(c))
    h = h + Dense(16)(Dropout(0.1)(LayerNorm()(h)))
    return Network([x, c], [Dense(1)(h), Dense(3, "softmax")(BatchNorm()(h))], ["mse", "log_loss"])


def tied() -> Network:
    x, encoder, twice = Input(8), Dense(3, "tanh"), Dense(3, "relu")
    return Network(x, Tied(encoder)(twice(twice(encoder(x)))))


@pytest.mark.parametrize(
    "network",
    [
        cr.Network.dense([4, 16, 3], "relu", "log_loss"),
        cr.Network.dense([5, 1]),
        two_heads(),
        tied(),
        Network((x := Input(3)), Scale()(PReLU()(Gated(3)(x))) * x),
    ],
)
def test_each_parameter_is_counted_once(network: Network) -> None:
    found = network.summary()
    assert found.parameters == network.size == sum(row.parameters for row in found.rows)
    assert found.bytes == 4 * network.size
    assert len(found.rows) == len(network.nodes)


def test_operations_of_a_dense_chain_are_those_counted_by_hand() -> None:
    found = cr.Network.dense([4, 16, 3], "relu", "log_loss").summary()
    # Products 2 · in · out, then one for each bias and for each activation.
    assert [row.flops for row in found.rows] == [0, 2 * 4 * 16 + 2 * 16, 2 * 16 * 3 + 2 * 3]
    assert found.flops == 262


def test_a_looked_up_row_and_a_dropped_mask_cost_nothing() -> None:
    rows = {row.layer: row for row in two_heads().summary().rows}
    assert rows["Embedding(4)"].flops == rows["Dropout(0.1)"].flops == 0
    assert rows["Embedding(4)"].parameters == 48
    assert rows["Sum"].flops == 16
    assert rows["Dense(16, silu)"].flops == 2 * 16 * (8 + 4) + 16 * 2 + 16


def test_a_layer_that_is_applied_twice_has_its_parameters_in_its_first_row() -> None:
    rows = tied().summary().rows
    assert [row.parameters for row in rows] == [0, 27, 12, 0, 8]
    assert rows[2].flops == rows[3].flops > 0


def test_frozen_and_running_parameters_are_totals_of_their_own() -> None:
    x = Input(2)
    node = Dense(1)(BatchNorm()(Dense(3)(x)))
    found = Network(x, node, trainable={"W_1": False}).summary()
    assert (found.frozen, found.running, found.trainable) == (6, 6, found.parameters - 12)
    assert "6 frozen, 6 running statistics" in str(found)


def test_the_text_is_aligned_and_fits_80_columns() -> None:
    text = str(two_heads().summary())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    table = lines[2 : lines.index("", 2)]
    starts = [match.start() for match in re.finditer("-+", table[1])]
    for line in (table[0], *table[2:]):
        assert all(line[start - 1] == " " for start in starts[1:] if len(line) >= start)


def test_a_long_name_is_wrapped() -> None:
    x = Input(2, "a column with a name that is longer than any table of text can be wide " * 2)
    lines = str(Network(x, Dense(1)(x)).summary()).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("that is longer than" in line for line in lines)


def test_the_html_is_a_table_with_escaped_texts() -> None:
    hostile = "<script>alert('x')</script>\n<b>"
    function = activation("halved", z / 2)
    object.__setattr__(function, "name", hostile)  # refused otherwise
    html = Network((x := Input(2, hostile)), Dense(1, function)(x))._repr_html_()
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

    Reader().feed(html)
    assert {"script", "b"}.isdisjoint(tags)
    assert tags.count("table") == tags.count("caption") == tags.count("thead") == 1
    assert tags.count("th") == 8
    assert tags.count("tr") == 1 + 2 + 1
    assert "prefers-color-scheme:dark" in html


def test_a_large_network_is_counted_quickly() -> None:
    network = cr.Network.dense([10_000] * 201, "relu")
    start = time.perf_counter()
    found = network.summary()
    assert found.parameters == 200 * (10_000 * 10_000 + 10_000)
    assert len(found._repr_html_()) < 1_000_000
    assert len(str(found)) < 1_000_000
    assert time.perf_counter() - start < 1
