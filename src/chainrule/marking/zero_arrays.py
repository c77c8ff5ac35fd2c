"""np.zeros((5, 3)) where a sum begins: zeros in a gradient's shape, or in another one.

A number is a length of this network; a name is one that programs give to a width.  Zeros of another
shape fail in the program or spread over the sum, so that lengths that are not known are refused.
"""

from chainrule.formulas.arrange import Layout
from chainrule.formulas.axes import Axis
from chainrule.language.refusals import Refusal
from chainrule.marking.quantities import Quantity, formulation_of
from chainrule.network.architecture import Network

_INPUTS = ("n_x", "n_in", "n_input", "n_inputs", "input_size", "input_dim", "n_features")
_HIDDEN = ("n_hidden", "hidden_size", "hidden_dim", "num_hidden")
_OUTPUTS = ("n_y", "n_out", "n_output", "n_outputs", "output_size", "output_dim", "num_classes")


def has_shape(
    lengths: tuple[str, ...], parameter: Quantity, network: Network, layout: Layout
) -> bool:
    """Return whether zeros with these lengths have the shape of a parameter in a layout.

    Raises ``Refusal`` for a length that is neither a number nor a name of a width.

    >>> from chainrule.marking.quantities import Role
    >>> network, weights = Network.dense([4, 5, 3]), Quantity("W_ho", Role.WEIGHT)
    >>> [has_shape(("5", "3"), weights, network, layout) for layout in ("rows", "columns")]
    [True, False]
    """
    symbols = formulation_of(network).parameters
    axes = next(symbol.axes for symbol in symbols if symbol.name == parameter.symbol)
    expected: list[tuple[Axis | None, ...]]
    if len(axes) == 1 and layout == "columns":
        expected = [(axes[0], None)]  # with one axis they would spread over the columns
    elif len(axes) == 1:
        expected = [axes, (None, axes[0])]
    else:
        expected = [axes if layout == "rows" else axes[::-1]]
    return any(
        len(each) == len(lengths)
        and all(_is_length(text, axis, network) for text, axis in zip(lengths, each, strict=True))
        for each in expected
    )


def _is_length(text: str, axis: Axis | None, network: Network) -> bool:
    """Return whether a length is that of an axis, 1 without an axis."""
    if text.isdigit():
        return int(text) == (1 if axis is None else network.sizes[axis])
    axes = list(network.sizes)
    names = {each.size: each for each in axes}
    names |= dict.fromkeys(_INPUTS, axes[0]) | dict.fromkeys(_OUTPUTS, axes[-1])
    names |= dict.fromkeys(_HIDDEN, axes[1]) if len(axes) == 3 else {}
    if not network.is_dense or text not in names:
        raise Refusal("zeros_length", text=(text,))
    return axis is not None and names[text] == axis
