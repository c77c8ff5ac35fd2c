"""The diagnosis in a report: what was found, and which setting to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.reports.diagnosis import Finding
from chainrule.reports.report_blocks import Section, Text

__all__ = ["diagnosis_section"]


def diagnosis_section(
    findings: Sequence[Finding], texts: Mapping[str, str], *, rows: bool
) -> Section:
    """Return a paragraph for each finding; ``rows`` is whether there were rows to look at."""
    found = [
        Text(texts[f"found_{finding.key}"].format(**finding.numbers), "warning")
        for finding in findings
    ]
    checked = Text(texts["checked" if rows else "checked_curves"], "note")
    nothing = [] if found else [Text(texts["nothing_found"], "good")]
    return Section("diagnosis", texts["diagnosis"], (*found, *nothing, checked))
