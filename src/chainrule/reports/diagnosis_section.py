"""The diagnosis in a report: what was found, and which setting to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.reports.diagnosis import Finding
from chainrule.reports.report_blocks import Section, Text

__all__ = ["diagnosis_section"]


def diagnosis_section(
    findings: Sequence[Finding], texts: Mapping[str, str], *, rows: bool
) -> Section:
    """Return a paragraph for each finding; ``rows`` is whether there were rows to look at.

    Findings that are notes ask for nothing: without others nothing is wrong.
    """
    found = [
        Text(
            texts[f"found_{finding.key}"].format(**finding.numbers),
            "plain" if finding.note else "warning",
        )
        for finding in findings
    ]
    checked = Text(texts["checked" if rows else "checked_curves"], "note")
    warned = any(not finding.note for finding in findings)
    nothing = [] if warned else [Text(texts["nothing_found"], "good")]
    return Section("diagnosis", texts["diagnosis"], (*nothing, *found, checked))
