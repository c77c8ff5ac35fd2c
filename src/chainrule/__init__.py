"""chainrule: derive the backpropagation of your network, check every step, and train with it.

>>> import chainrule as cr
>>> network = cr.Network.dense([2, 3, 1], activation="sigmoid", loss="mse")
>>> print(cr.derive(network).gradients["W_ho"])
A_hᵀ δ_o

Every public name is listed in ``__all__``; the module it lives in is imported when the name is
first used, so that ``import chainrule`` itself costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.data.reading import read_table
    from chainrule.derivation.derivation import Derivation, derive
    from chainrule.estimators.classifier import MLPClassifier
    from chainrule.estimators.regressor import MLPRegressor
    from chainrule.explanation.explanation import Explanation, explain
    from chainrule.explanation.table_rows import explain_table
    from chainrule.exports.export_model import export
    from chainrule.interchange.keras_files import from_keras
    from chainrule.interchange.matlab_networks import from_matlab
    from chainrule.interchange.scikit_learn import from_sklearn, to_sklearn
    from chainrule.interchange.torch_modules import from_torch, to_torch
    from chainrule.kernels.config import show_config
    from chainrule.marking.answer_verdicts import AnswerVerdict
    from chainrule.marking.check_answer import check_answer
    from chainrule.marking.check_line import check_line
    from chainrule.marking.network_text import network_from
    from chainrule.marking.printed_lines import PrintedLines, read_back
    from chainrule.marking.stated_conventions import Convention
    from chainrule.marking.verdicts import LineVerdict
    from chainrule.network.activations import Activation, activation
    from chainrule.network.architecture import Network
    from chainrule.network.embeddings import Embedding, Periodic, PiecewiseLinear, quantile_edges
    from chainrule.network.layers import (
        Activate,
        Categories,
        Dense,
        Gated,
        Input,
        PReLU,
        Scale,
        Tied,
    )
    from chainrule.network.losses import Loss
    from chainrule.network.normalization import BatchNorm, LayerNorm
    from chainrule.network.optimizers import SGD, Adam, AdamHat, AdamW, RMSprop
    from chainrule.network.penalties import L1, L2
    from chainrule.network.random_layers import Dropout, GaussianNoise
    from chainrule.table_models.cross_validation import CrossValidation, cross_validate
    from chainrule.table_models.evaluation import Evaluation, evaluate
    from chainrule.table_models.model_files import load, save
    from chainrule.table_models.table_estimators import TableClassifier, TableRegressor
    from chainrule.table_models.table_model import TableModel
    from chainrule.table_models.table_run import TableRun
    from chainrule.table_models.table_training import train_table
    from chainrule.training.ensemble import Ensemble, train_many
    from chainrule.training.loop import train
    from chainrule.training.results import Result
    from chainrule.training.schedules import (
        CosineDecay,
        EarlyStopping,
        ExponentialDecay,
        InverseScaling,
        ReduceOnPlateau,
        StepDecay,
    )
    from chainrule.training.single_pass import loss_and_gradients, predict
    from chainrule.verification import verify

__all__ = [
    "L1",
    "L2",
    "SGD",
    "Activate",
    "Activation",
    "Adam",
    "AdamHat",
    "AdamW",
    "AnswerVerdict",
    "BatchNorm",
    "Categories",
    "Convention",
    "CosineDecay",
    "CrossValidation",
    "Dense",
    "Derivation",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Ensemble",
    "Evaluation",
    "Explanation",
    "ExponentialDecay",
    "Gated",
    "GaussianNoise",
    "Input",
    "InverseScaling",
    "LayerNorm",
    "LineVerdict",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "PReLU",
    "Periodic",
    "PiecewiseLinear",
    "PrintedLines",
    "RMSprop",
    "ReduceOnPlateau",
    "Result",
    "Scale",
    "StepDecay",
    "TableClassifier",
    "TableModel",
    "TableRegressor",
    "TableRun",
    "Tied",
    "activation",
    "check_answer",
    "check_line",
    "cross_validate",
    "derive",
    "evaluate",
    "explain",
    "explain_table",
    "export",
    "from_keras",
    "from_matlab",
    "from_sklearn",
    "from_torch",
    "load",
    "loss_and_gradients",
    "network_from",
    "predict",
    "quantile_edges",
    "read_back",
    "read_table",
    "save",
    "show_config",
    "to_sklearn",
    "to_torch",
    "train",
    "train_many",
    "train_table",
    "verify",
]

_HOMES = {
    "data.reading": ["read_table"],
    "estimators.classifier": ["MLPClassifier"],
    "estimators.regressor": ["MLPRegressor"],
    "exports.export_model": ["export"],
    "interchange.keras_files": ["from_keras"],
    "interchange.matlab_networks": ["from_matlab"],
    "interchange.scikit_learn": ["from_sklearn", "to_sklearn"],
    "interchange.torch_modules": ["from_torch", "to_torch"],
    "kernels.config": ["show_config"],
    "verification": ["verify"],
    "network.activations": ["Activation", "activation"],
    "network.architecture": ["Network"],
    "derivation.derivation": ["Derivation", "derive"],
    "marking.answer_verdicts": ["AnswerVerdict"],
    "marking.check_answer": ["check_answer"],
    "marking.check_line": ["check_line"],
    "marking.stated_conventions": ["Convention"],
    "marking.network_text": ["network_from"],
    "marking.printed_lines": ["PrintedLines", "read_back"],
    "marking.verdicts": ["LineVerdict"],
    "network.losses": ["Loss"],
    "network.layers": [
        "Activate",
        "Categories",
        "Dense",
        "Gated",
        "Input",
        "PReLU",
        "Scale",
        "Tied",
    ],
    "network.normalization": ["BatchNorm", "LayerNorm"],
    "network.random_layers": ["Dropout", "GaussianNoise"],
    "network.embeddings": ["Embedding", "Periodic", "PiecewiseLinear", "quantile_edges"],
    "network.optimizers": ["SGD", "Adam", "AdamHat", "AdamW", "RMSprop"],
    "network.penalties": ["L1", "L2"],
    "explanation.explanation": ["Explanation", "explain"],
    "explanation.table_rows": ["explain_table"],
    "training.loop": ["train"],
    "training.results": ["Result"],
    "training.single_pass": ["loss_and_gradients", "predict"],
    "table_models.cross_validation": ["CrossValidation", "cross_validate"],
    "table_models.evaluation": ["Evaluation", "evaluate"],
    "table_models.model_files": ["load", "save"],
    "training.ensemble": ["Ensemble", "train_many"],
    "training.schedules": [
        "CosineDecay",
        "EarlyStopping",
        "ExponentialDecay",
        "InverseScaling",
        "ReduceOnPlateau",
        "StepDecay",
    ],
    "table_models.table_estimators": ["TableClassifier", "TableRegressor"],
    "table_models.table_model": ["TableModel"],
    "table_models.table_run": ["TableRun"],
    "table_models.table_training": ["train_table"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        value = getattr(import_module(f"chainrule.{_HOME[name]}"), name)
        globals()[name] = value  # the next use finds it without coming here
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version("chainrule")
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
