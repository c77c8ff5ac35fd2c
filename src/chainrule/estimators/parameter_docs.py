"""What the parameters of the estimators mean, for ``help``."""

from __future__ import annotations

import inspect
from textwrap import fill
from typing import TypeVar

__all__ = ["PARAMETERS", "documented"]

PARAMETERS = {
    "loss": "What is minimized: squared_error, absolute_error, huber (δ = 1), quantile, poisson or "
    "gamma.",
    "hidden_layer_sizes": "Units of each hidden layer, such as (64, 32); () for a linear model.",
    "activation": "Of hidden layers: identity, logistic, tanh, relu, or another elementwise one "
    "of the catalogue; a list of one name for each layer.",
    "solver": "adam, sgd, or lbfgs, which takes all rows in every step.",
    "alpha": "Strength of the penalty ½ α ‖W‖² / rows.",
    "batch_size": "Rows of a step; auto is 200, or all rows where there are fewer.",
    "learning_rate": "For sgd: constant, invscaling (rate / t^power_t) or adaptive (a fifth of it "
    "where the loss no longer falls).",
    "learning_rate_init": "The size of a step, at the start.",
    "power_t": "The exponent of invscaling.",
    "max_iter": "At most so many epochs; steps for lbfgs.",
    "shuffle": "Whether rows are in a new order in every epoch.",
    "random_state": "A seed, for the same result every time; None for another one each time.",
    "tol": "How much the loss or score has to improve, at least, to count as better.",
    "verbose": "Whether to print the loss of every epoch.",
    "warm_start": "Whether fit continues from the weights of the last fit.",
    "momentum": "For sgd: the share of the last step that is added, from 0 to 1.",
    "nesterovs_momentum": "Whether momentum is Nesterov's.",
    "early_stopping": "Whether to hold rows out, end when their score no longer improves, and "
    "restore the best weights.",
    "validation_fraction": "The share of rows that early_stopping holds out.",
    "beta_1": "For adam: decay of the mean of gradients.",
    "beta_2": "For adam: decay of the mean of their squares.",
    "epsilon": "For adam: what is added to the root of these squares.",
    "n_iter_no_change": "Epochs without improvement by tol before the fit ends.",
    "max_fun": "For lbfgs: at most so many evaluations of the loss.",
    "class_weight": "None, balanced (rare classes count more), or weights by class.",
    "quantile": "The level of loss='quantile', from 0 to 1.",
    "normalization": "None, batch or layer: normalization of every hidden layer.",
    "residual": "Whether hidden layers of equal widths add their input to their output.",
    "dropout": "The share of hidden values that are left out in each training step.",
    "embeddings": "A mapping from columns with codes 0, 1, … to the units of their embedding.",
}
"""One sentence for each parameter."""

_Class = TypeVar("_Class", bound=type)


def documented(cls: _Class) -> _Class:
    """Append the parameters of a class, with their defaults, to its docstring."""
    lines = ["", "Parameters", "----------"]
    for name, parameter in list(inspect.signature(cls).parameters.items()):
        lines.append(f"{name} : default {parameter.default!r}")
        text = fill(PARAMETERS[name], 88, initial_indent="    ", subsequent_indent="    ")
        lines += text.splitlines()
    indented = "\n".join(f"    {line}" if line else "" for line in lines)
    cls.__doc__ = f"{(cls.__doc__ or '').rstrip()}\n{indented}\n    "
    return cls
