"""Plans by structure: derived once, used by every network of the same kind.

A Plan depends on the number of layers, the activations, the loss and the penalties, never on widths
or strengths.  Deriving one takes milliseconds, as long as a short training run, so it is stored.
"""

from functools import lru_cache

from chainrule.kernels.bounded_cache import BoundedCache
from chainrule.network.architecture import Network
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.optimizers import Optimizer
from chainrule.plans.plan import Plan, plan

_LARGEST_MEMORY = 256
"""The most Plans that are stored; a search over more structures derives some again."""

_gradients: BoundedCache[Gradients] = BoundedCache(_LARGEST_MEMORY)
_plans: BoundedCache[Plan] = BoundedCache(_LARGEST_MEMORY)


def gradients_of(network: Network, *, weighted: bool = False) -> Gradients:
    """Return the derivation's gradient equations for a batch."""
    key = (network.structure, weighted)
    return _gradients.get(key, lambda: differentiate(network.formulation(weighted=weighted)))


def gradient_plan(network: Network, *, weighted: bool = False) -> Plan:
    """Return the Plan of the loss and every gradient."""
    key = ("loss and gradients", network.structure, weighted)
    return _plans.get(key, lambda: plan(gradients_of(network, weighted=weighted), draws=True))


def _inference_plan(network: Network, *, weighted: bool = False) -> Plan:
    """Return the Plan of the forward equations of a prediction."""
    formulation = network.formulation(weighted=weighted, training=False)
    return plan(Gradients(formulation, (), ()))


def prediction_plan(network: Network) -> Plan:
    """Return the Plan of the output alone."""
    return _plans.get(("output", network.structure), lambda: _inference_plan(network).forward())


def loss_plan(network: Network, *, weighted: bool = False) -> Plan:
    """Return the Plan of the loss alone."""

    def make() -> Plan:
        whole = _inference_plan(network, weighted=weighted)
        return whole.only(whole.loss, whole.data_loss)

    return _plans.get(("loss", network.structure, weighted), make)


def training_plan(network: Network, optimizer: Optimizer, *, weighted: bool = False) -> Plan:
    """Return the Plan of one whole step, the optimizer's update included."""
    key = ("step", network.structure, weighted, _statement(optimizer))
    return _plans.get(
        key, lambda: plan(gradients_of(network, weighted=weighted), optimizer, draws=True)
    )


@lru_cache(maxsize=_LARGEST_MEMORY)
def _statement(optimizer: Optimizer) -> tuple[object, ...]:
    """Return the parts of an optimizer that the formulas depend on.

    They are stored: deriving the updates takes longer than a step.
    """
    return (type(optimizer), tuple(optimizer.constants), optimizer.updates)
