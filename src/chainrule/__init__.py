"""chainrule: derive the backpropagation of your network, check every step, and train with it.

>>> import chainrule as cr
>>> network = cr.Network.dense([2, 3, 1], activation="sigmoid", loss="mse")
>>> print(cr.derive(network).gradients["W_ho"])
A_hᵀ δ_o
"""

from typing import TYPE_CHECKING, Any

from chainrule.kernels.verification import verify
from chainrule.network.activations import Activation, activation
from chainrule.network.architecture import Network
from chainrule.network.derivation import Derivation, derive
from chainrule.network.losses import Loss
from chainrule.network.optimizers import SGD, Adam, AdamHat, AdamW, RMSprop
from chainrule.network.penalties import L1, L2
from chainrule.training.loop import Result, loss_and_gradients, predict, train

if TYPE_CHECKING:
    from chainrule.kernels.config import show_config
    from chainrule.training.model_files import load, save

__all__ = [
    "L1",
    "L2",
    "SGD",
    "Activation",
    "Adam",
    "AdamHat",
    "AdamW",
    "Derivation",
    "Loss",
    "Network",
    "RMSprop",
    "Result",
    "activation",
    "derive",
    "load",
    "loss_and_gradients",
    "predict",
    "save",
    "show_config",
    "train",
    "verify",
]

_LATER = {
    "load": "chainrule.training.model_files",
    "save": "chainrule.training.model_files",
    "show_config": "chainrule.kernels.config",
}
"""Names whose modules bring libraries that are not needed otherwise: imported when first used."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(_LATER[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("chainrule")
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
