"""An explanation as plain values for JSON: unrounded numbers, formulas as text."""

from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.documents.wording import left_side, written
from chainrule.explanation.evaluated_derivation import EvaluatedDerivation
from chainrule.explanation.evaluated_lines import EvaluatedForm, EvaluatedLine
from chainrule.explanation.weight_account import WeightAccount
from chainrule.explanation.weight_paths import PathFactor
from chainrule.formulas.render import TEXT
from chainrule.training.metrics import finite

LARGEST_ARRAY = 10_000
"""Larger arrays are given by their shape, range and norm."""


def record_of(explanation: EvaluatedDerivation) -> dict[str, Any]:
    """Return an explanation as plain values; numbers that JSON does not have become null."""
    labels = explanation.labels
    record: dict[str, Any] = {
        "network": str(explanation.batch.network),
        "rows": list(labels.numbers or explanation.rows),
        "layout": explanation.derivation.layout,
        "optimizer": {
            "name": explanation.batch.optimizer.name,
            **explanation.batch.optimizer.settings(),
        },
        "step": explanation.batch.step,
        "passed": explanation.passed,
        "given": {given.symbol.name: _array(given.value) for given in explanation.given},
        "lines": [_line(line) for line in explanation.numbered if line.value is not None],
    }
    if labels.cells:
        record["row"] = [
            {
                "column": cell.name,
                "cell": cell.cell,
                "target": cell.target,
                "feature": cell.feature,
                "value": cell.value,
            }
            for cell in labels.cells
        ]
        record["answer"], record["truth"] = labels.answer, labels.truth
    if explanation.weight is not None:
        record["weight"] = _weight(explanation.weight)
    plain: dict[str, Any] = finite(record)
    return plain


def _array(value: Array) -> object:
    """Return a number for one entry, nested lists for an array of any shape, else a summary."""
    if value.size == 1:
        return float(value.reshape(()))
    if value.size <= LARGEST_ARRAY:
        return value.tolist()
    return {
        "shape": list(value.shape),
        "smallest": float(value.min()),
        "largest": float(value.max()),
        "norm": float(np.linalg.norm(value)),
    }


def _line(line: EvaluatedLine) -> dict[str, Any]:
    statement = line.statement
    assert line.value is not None
    return {
        "left": left_side(statement, TEXT),
        "assigns": statement.assigns,
        "value": _array(line.value),
        "formulas": [_form(line, form) for form in line.forms],
    }


def _form(line: EvaluatedLine, form: EvaluatedForm) -> dict[str, Any]:
    mark = form.mark
    return {
        "formula": written(form.equal.formula, line.statement, TEXT),
        "agrees": form.passed,
        "compared_with": None if mark is None else mark.method,
        "relative_error": None if mark is None or mark.passed is None else mark.error,
    }


def _weight(account: WeightAccount) -> dict[str, Any]:
    return {
        "name": str(account.entry),
        "before": account.before,
        "after": account.after,
        "change": account.change,
        "gradient": account.gradient.total,
        "agrees": account.mark.passed,
        "chain": [_factor(factor) for factor in account.chain],
        "shares": [
            {
                "kind": p.label.kind,
                "sample": p.label.sample,
                "count": p.label.count,
                "value": p.value,
            }
            for p in account.gradient.parts
        ],
        "ways": [
            {
                "through": [] if p.label.path is None else list(map(str, p.label.path.through)),
                "factors": [] if p.label.path is None else [f.value for f in p.label.path.factors],
                "count": p.label.count,
                "value": p.value,
            }
            for p in account.paths.parts
        ],
        "causes": [{"cause": p.label.kind, "value": p.value} for p in account.step.parts],
        "causes_scaled": [{"cause": p.label.kind, "value": p.value} for p in account.scaled.parts],
        "remainders": {
            name: sums.remainder
            for name, sums in (
                ("shares", account.gradient),
                ("ways", account.paths),
                ("causes", account.step),
                ("causes_scaled", account.scaled),
            )
        },
    }


def _factor(factor: PathFactor) -> dict[str, Any]:
    return {"of": str(factor.above), "by": str(factor.below), "value": factor.value}
