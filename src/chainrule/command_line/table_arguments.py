"""The argument MODEL of the verbs that apply a model to a table."""

from __future__ import annotations

from chainrule.errors import InputError
from chainrule.files import written_path
from chainrule.table_models.model_files import load
from chainrule.table_models.table_model import TableModel

__all__ = ["loaded_table_model"]


def loaded_table_model(path: str) -> TableModel:
    """Return the model of a file or run folder; raise InputError for a network without a table."""
    trained = load(path)
    if not isinstance(trained, TableModel):
        raise InputError(
            f"{written_path(path)}: contains a network without the preprocessing of a table; "
            "give a model that `chainrule train` wrote"
        )
    return trained
