"""What a derivation agrees on first: letters, dimensions, scale, the optimizer's symbols."""

from collections.abc import Iterator

from chainrule.documents.elements import Heading, Line, Listed, Paragraph, Piece
from chainrule.formulas.expressions import symbols
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.penalties import CATALOGUE

_EXPLAINED = {
    *("momentum", "beta_1", "beta_2", "decay", "epsilon", "weight_decay"),
}
"""The constants of optimizers that a phrase explains; your own optimizer may have others."""


_ABOUT = {
    "LayerNorm": "about_layer_norm",
    "BatchNorm": "about_batch_norm",
    "Dropout": "about_dropout",
    "GaussianNoise": "about_noise",
    "CategoryLayer": "about_categories",
    "PiecewiseLinear": "about_piecewise_linear",
    "Periodic": "about_periodic",
    "Gated": "about_gated",
}
"""The phrase that says what the letters of a layer mean, by the layer's class."""


def title(network: Network) -> Heading:
    """Return the title: which network this is."""
    if not network.is_dense:
        return _title_of_layers(network)
    names = [activation.name for activation in network.activations]
    if len(set(names[:-1])) < 2:  # the same in every hidden layer: named once
        names = list(dict.fromkeys(names))
    added = (f"{penalty.name} {penalty.strength:g}" for penalty in network.penalties)
    given: dict[str, Piece] = {
        "widths": "-".join(map(str, network.layers)),
        "activations": Listed(tuple(names), "then"),
        "loss": Listed((network.loss.name, *added)),
        "parameters": f"{network.size:,}",
    }
    return Heading("title", given, level=1)


def _title_of_layers(network: Network) -> Heading:
    inputs, layers, outputs = network.counts
    added = (f"{penalty.name} {penalty.strength:g}" for penalty in network.penalties)
    given: dict[str, Piece] = {
        "inputs": str(inputs),
        "layers": str(layers),
        "outputs": str(outputs),
        "loss": Listed((*(loss.name for loss in network.losses), *added)),
        "parameters": f"{network.size:,}",
    }
    return Heading("title_layers", given, level=1)


def _about_layers(network: Network) -> Iterator[Paragraph]:
    """Yield what the letters of each kind of layer mean, once."""
    found: dict[str, Paragraph] = {}
    for node in network.nodes:
        kind = type(node.layer).__name__
        key = _ABOUT.get(kind, "")
        if kind == "Dense" and len(node.sources) > 1:
            key = "about_several"
        if key:
            found.setdefault(key, Paragraph(key))
    yield from found.values()


def conventions(network: Network, batch: bool, layout: str) -> Iterator[Line]:
    """Yield the conventions; ``layout`` is the phrase that says how values are laid out."""
    size = "batch" if batch else "sample"
    yield Heading("conventions")
    yield Paragraph(layout)
    yield Paragraph("notation")
    if network.is_dense:
        yield Paragraph("sizes_deep" if len(network.layers) > 3 else "sizes")
    else:
        yield Paragraph("sizes_layers")
        yield Paragraph("uses_add_up")
        yield from _about_layers(network)
    yield scale(network, size)
    explained = [penalty for penalty in network.penalties if penalty.name in CATALOGUE]
    yield from (Paragraph(f"penalty_{penalty.name}") for penalty in explained)
    yield Paragraph("delta")


def scale(network: Network, size: str) -> Paragraph:
    """Return what the loss is averaged over; ``size`` is "batch" or "sample"."""
    if len(network.outputs) > 1:
        return Paragraph("heads")
    return Paragraph(f"{'averaged' if network.form.averaged else 'summed'}_{size}")


def meaning(optimizer: Optimizer) -> Iterator[Line]:
    """Yield what the symbols of an optimizer's update mean."""
    yield Paragraph("learning_rate")
    used = {symbol.name for symbol in optimizer.memory}
    if used:
        yield Paragraph(f"memory_{'_'.join(sorted(used))}")
    for constant in optimizer.letters:
        if constant in _EXPLAINED:
            yield Paragraph(f"constant_{constant}")
    if "t" in {symbol.name for update in optimizer.updates for symbol in symbols(update.right)}:
        yield Paragraph("steps")
