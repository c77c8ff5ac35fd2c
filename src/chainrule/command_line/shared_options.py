"""Options that several verbs share, stated once, and the objects that they describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import click

from chainrule.command_line.option_types import names, widths
from chainrule.language.refusals import Refusal
from chainrule.network import activations, losses, optimizers
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.penalties import L2, Penalty

__all__ = [
    "chosen_optimizer",
    "chosen_penalty",
    "l2_option",
    "layout_option",
    "network_options",
    "output_option",
    "sample_option",
    "seed_option",
    "text_encoding_option",
    "together",
    "update_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator of a verb's function."""

    def __call__(self, command: Command, /) -> Command: ...


_SHORT = {"momentum": SGD(momentum=0.9), "nesterov": SGD(momentum=0.9, nesterov=True)}
"""Abbreviations of sgd with these options."""

l2_option = click.option(
    "--l2",
    type=float,
    metavar="F",
    default=0.0,
    show_default=True,
    help="The strength λ of the penalty ½λ‖W‖².",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(["rows", "columns"]),
    default="rows",
    show_default=True,
    help="Whether samples are rows or columns.",
)
seed_option = click.option(
    "--seed",
    type=int,
    metavar="N",
    default=0,
    show_default=True,
    help="Determines all random numbers.",
)


text_encoding_option = click.option(
    "--text-encoding",
    metavar="NAME",
    help="The encoding of DATA if it is a CSV file that is not in UTF-8: gb18030, windows-1252, "
    "shift_jis, ...",
)


def network_options(*, required: bool = True) -> Decorator:
    """Add --layers, --activation and --loss, the description of a network."""
    return together(
        click.option(
            "--layers",
            type=widths,
            metavar="N,N,...",
            required=required,
            help="Widths from the inputs to the outputs, such as 2,3,1.",
        ),
        click.option(
            "--activation",
            type=names,
            metavar="NAME[,NAME...]",
            default="sigmoid",
            show_default=True,
            help="One name for every layer, or one per layer, the last included: "
            f"{', '.join(activations.CATALOGUE)}.",
        ),
        click.option(
            "--loss",
            metavar="NAME",
            default="mse",
            show_default=True,
            help=f"{', '.join(losses.CATALOGUE)}.",
        ),
    )


def update_options(description: str) -> Decorator:
    """Add --optimizer, --momentum, --nesterov and --l2; ``description`` begins the first help."""
    return together(
        click.option(
            "--optimizer",
            metavar="NAME",
            default="sgd",
            show_default=True,
            help=f"{description}: {', '.join(optimizers.CATALOGUE)}; momentum and nesterov are "
            "short for sgd with --momentum 0.9.",
        ),
        click.option("--momentum", type=float, metavar="F", help="The momentum μ of sgd."),
        click.option("--nesterov", is_flag=True, help="Nesterov's variant of momentum."),
        l2_option,
    )


def sample_option(*, one_sample: bool) -> Decorator:
    """Add --one-sample/--batch with a default."""
    return click.option(
        "--one-sample/--batch",
        "one_sample",
        default=one_sample,
        show_default="--one-sample" if one_sample else "--batch",
        help="For a single sample or for a batch of B.",
    )


def output_option(description: str) -> Decorator:
    """Add --output, by default standard output; ``description`` is its help."""
    return click.option(
        "--output",
        metavar="FILE",
        default="-",
        show_default="standard output",
        help=description,
    )


def together(*options: Decorator) -> Decorator:
    """Return a decorator that adds options, the first one first in the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def chosen_optimizer(name: str, momentum: float | None, nesterov: bool) -> str | Optimizer:
    """Return the optimizer of the options.

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
    """Return the penalties of the options; a strength of 0 gives none.

    >>> chosen_penalty(0.0), chosen_penalty(0.1)
    ((), (L2(strength=0.1),))
    """
    return (L2(l2),) if l2 else ()
