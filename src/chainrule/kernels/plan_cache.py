"""Plans by structure: derived once, used by every network of the same kind.

A Plan depends on the number of layers, the activations, the loss and the penalties, never on widths
or strengths.  Deriving one takes milliseconds, as long as a short training run, so it is kept.
"""

from functools import lru_cache
from typing import Any

from chainrule.network.architecture import Network
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.optimizers import Optimizer
from chainrule.plans.plan import Plan, plan

_LARGEST_MEMORY = 256
"""Plans kept; a search over more structures than this derives some again."""

_known: dict[tuple[Any, ...], Any] = {}


def _kept(key: tuple[Any, ...], make: Any) -> Any:
    found = _known.get(key)
    if found is None:
        if len(_known) >= _LARGEST_MEMORY:
            _known.pop(next(iter(_known)))
        found = _known[key] = make()
    return found


def gradients_of(network: Network, *, weighted: bool = False) -> Gradients:
    """Return the derivation's gradient equations for a batch."""
    key = ("gradients", network.structure, weighted)
    gradients: Gradients = _kept(key, lambda: differentiate(network.formulation(weighted=weighted)))
    return gradients


def gradient_plan(network: Network, *, weighted: bool = False) -> Plan:
    """Return the Plan of the loss and every gradient."""
    key = ("loss and gradients", network.structure, weighted)
    found: Plan = _kept(key, lambda: plan(gradients_of(network, weighted=weighted)))
    return found


def prediction_plan(network: Network) -> Plan:
    """Return the Plan of the output alone."""
    found: Plan = _kept(("output", network.structure), lambda: gradient_plan(network).forward())
    return found


def loss_plan(network: Network, *, weighted: bool = False) -> Plan:
    """Return the Plan of the loss alone."""

    def make() -> Plan:
        whole = gradient_plan(network, weighted=weighted)
        return whole.only(whole.loss, whole.data_loss)

    found: Plan = _kept(("loss", network.structure, weighted), make)
    return found


def training_plan(network: Network, optimizer: Optimizer, *, weighted: bool = False) -> Plan:
    """Return the Plan of one whole step, the optimizer's update included."""
    key = ("step", network.structure, weighted, _statement(optimizer))
    found: Plan = _kept(key, lambda: plan(gradients_of(network, weighted=weighted), optimizer))
    return found


@lru_cache(maxsize=_LARGEST_MEMORY)
def _statement(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return what the formulas depend on; writing the updates down takes longer than a step."""
    return (type(optimizer), tuple(optimizer.constants), optimizer.updates)
