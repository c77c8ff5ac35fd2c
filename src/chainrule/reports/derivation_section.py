"""The derivation of this very network in a report, with the numbers of one of its rows.

A network that is small enough is explained on the first row of the score. Of a larger one the
numbers would fill many screens; its derivation is shown in symbols, where it is one chain of dense
layers, whose equations do not depend on the widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chainrule.documents import html_of
from chainrule.documents.elements import Element, Heading
from chainrule.reports.report_blocks import Block, Folded, Formulas, Section, Text
from chainrule.reports.subject import Subject

__all__ = ["derivation_section"]

_MOST_PARAMETERS = 600
_MOST_WIDTH = 32


def derivation_section(subject: Subject, texts: Mapping[str, str], language: str) -> Section:
    """Return the derivation, with numbers where the network is small and a row is known."""
    network = subject.model.network
    blocks: list[Block] = []
    small = network.size <= _MOST_PARAMETERS and max(n.width for n in network.nodes) <= _MOST_WIDTH
    if not network.is_dense:
        blocks.append(Text(texts["derivation_graph"]))
        return Section("derivation", texts["derivation"], tuple(blocks))
    # What derives and explains takes a quarter of a second to import: for these networks alone.
    if small and subject.rows is not None and subject.model.is_one_network:
        from chainrule.explanation.build_document import document_of
        from chainrule.explanation.table_rows import explain_table

        row = int(subject.rows.scored[0])
        explanation = explain_table(subject.model, subject.rows.table, row=row)
        table = subject.rows.table
        number = str(int(table.rows[row]))
        text = texts["derivation_line" if table.row_word == "line" else "derivation_row"]
        blocks.append(Text(text.format(row=number)))
        key = "derivation_passed" if explanation.passed else "derivation_failed"
        blocks.append(Text(texts[key], "good" if explanation.passed else "warning"))
        elements = list(document_of(explanation))
    else:
        from chainrule.derivation.derivation import derive

        why = "derivation_no_row" if small else "derivation_large"
        blocks.append(Text(texts[why].format(size=f"{network.size:,}")))
        elements = list(derive(network).checked)
    html = html_of(_below(elements), language, document=False)
    blocks.append(Folded(texts["derivation_open"], (Formulas(html),)))
    return Section("derivation", texts["derivation"], tuple(blocks))


def _below(elements: list[Element]) -> list[Element]:
    """Return elements for a section: without the title, their headings one level deeper."""
    return [
        replace(element, level=element.level + 1) if isinstance(element, Heading) else element
        for element in elements
        if not (isinstance(element, Heading) and element.level == 1)
    ]
