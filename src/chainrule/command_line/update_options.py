"""Options that say whose update is derived or judged, and what is added to the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from chainrule.language.refusals import Refusal
from chainrule.network import optimizers
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.penalties import L2, Penalty

__all__ = ["chosen_optimizer", "chosen_penalty", "l2_option", "update_options"]

Command = TypeVar("Command", bound=Callable[..., Any])
_SHORT = {"momentum": SGD(momentum=0.9), "nesterov": SGD(momentum=0.9, nesterov=True)}
"""Short for sgd with these options."""

l2_option = click.option(
    "--l2",
    type=float,
    metavar="F",
    default=0.0,
    show_default=True,
    help="The strength λ of the penalty ½λ‖W‖².",
)


def update_options(says: str) -> Callable[[Command], Command]:
    """Add --optimizer, --momentum, --nesterov and --l2; ``says`` is the help of the first."""
    options = [
        click.option(
            "--optimizer",
            metavar="NAME",
            default="sgd",
            show_default=True,
            help=f"{says}: {', '.join(optimizers.CATALOGUE)}; momentum and nesterov are short for "
            "sgd with --momentum 0.9.",
        ),
        click.option("--momentum", type=float, metavar="F", help="The momentum μ of sgd."),
        click.option("--nesterov", is_flag=True, help="Nesterov's variant of momentum."),
        l2_option,
    ]

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def chosen_optimizer(name: str, momentum: float | None, nesterov: bool) -> str | Optimizer:
    """Return the optimizer that the options state.

    >>> chosen_optimizer("adam", None, False)
    'adam'
    >>> chosen_optimizer("sgd", 0.8, True)
    SGD(learning_rate=0.01, momentum=0.8, nesterov=True)
    """
    if momentum is None and not nesterov:
        return _SHORT.get(name, name)
    if name not in ("sgd", *_SHORT):
        option = "--nesterov" if momentum is None else "--momentum"
        raise Refusal("momentum_option", option=option, name=name)
    short = _SHORT.get(name, _SHORT["momentum"])
    return SGD(
        momentum=short.momentum if momentum is None else momentum,
        nesterov=nesterov or short.nesterov,
    )


def chosen_penalty(l2: float) -> tuple[Penalty, ...]:
    """Return the penalties that the options state; a strength of 0 is none.

    >>> chosen_penalty(0.0), chosen_penalty(0.1)
    ((), (L2(strength=0.1),))
    """
    return (L2(l2),) if l2 else ()
