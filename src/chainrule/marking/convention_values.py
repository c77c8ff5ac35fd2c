"""The values of an example in the stated convention: the loss's scale, averages and signs."""

from typing import TypeAlias

from chainrule.arrays import FloatArray
from chainrule.language.refusals import Refusal
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.quantities import (
    LOSS,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
    cotangent,
    negative_delta,
)

Values: TypeAlias = dict[Quantity, FloatArray]
Partials: TypeAlias = dict[tuple[Quantity, Quantity], FloatArray]


def scale_loss(context: MarkingContext, values: Values, partials: Partials) -> None:
    """Give the loss the scale, and the biases the sign, of the stated convention."""
    stated, network = context.stated, context.network
    outputs, samples = float(values[OUTPUT_COUNT]), float(values[SAMPLE_COUNT])
    scale = stated.squared_error_scale(network.loss.name, outputs)
    scale *= samples if stated.average == "none" else 1.0
    if scale != 1.0 and network.penalties:
        raise Refusal("convention_penalty")
    for quantity in [each for each in values if each.scales_with_loss]:
        values[quantity] = scale * values[quantity]
    for ends in [each for each in partials if each[0] == LOSS]:
        partials[ends] = scale * partials[ends]
    if stated.bias == "threshold":
        for total, bias in partials:
            if bias.role is Role.BIAS and total != LOSS:
                values[total] = values[total] - values[bias]
    if stated.bias != "added":
        for quantity in [each for each in values if each.role is Role.BIAS]:
            values[quantity] = -values[quantity]
            if cotangent(quantity) in values:
                values[cotangent(quantity)] = -values[cotangent(quantity)]
        for ends in [each for each in partials if each[1].role is Role.BIAS]:
            partials[ends] = -partials[ends]


def _move_average(context: MarkingContext, values: Values, partials: Partials) -> None:
    """Multiply the derivatives by B that do not contain 1/B in the stated convention."""
    average, samples = context.stated.average, float(values[SAMPLE_COUNT])
    if average not in ("gradient", "update") or samples == 1.0:
        return
    if context.network.penalties and average == "update":
        raise Refusal("convention_penalty")

    def is_sum(of: Quantity | None) -> bool:
        return of is not None and (average == "update" or not of.is_parameter)

    for quantity in [each for each in values if each.role is Role.COTANGENT]:
        if is_sum(quantity.of):
            values[quantity] = samples * values[quantity]
    for ends in [each for each in partials if each[0] == LOSS and is_sum(each[1])]:
        partials[ends] = samples * partials[ends]


def restate(context: MarkingContext, values: Values, partials: Partials) -> None:
    """Give derivatives the average and the sign of the stated convention, after the updates."""
    _move_average(context, values, partials)
    if context.stated.delta == "negative":
        for quantity in [each for each in values if each.role is Role.PRE_ACTIVATION]:
            if cotangent(quantity) in values:
                values[negative_delta(quantity)] = -values[cotangent(quantity)]
    if context.stated.delta == "ascent":
        for quantity in [each for each in values if each.role is Role.COTANGENT]:
            values[quantity] = -values[quantity]
        for ends in [each for each in partials if each[0] == LOSS]:
            partials[ends] = -partials[ends]
