"""The gallery: a page for every published example, recomputed while the documentation is built.

A figure that departs stops the build.
"""

import posixpath

import chainrule as cr
from docs.building.fences import equations
from examples.published import GALLERY
from examples.published.example import Example, Part, heading, text
from examples.published.figures import Chance, Erratum, Figure

FOLDER = "gallery"


class Departure(Exception):  # noqa: N818 - names what is wrong
    """A figure is not what it is claimed to be."""


def listed() -> list[str]:
    """Return the pages for the navigation."""
    names = ["index", *(example.name for example in GALLERY)]
    return [posixpath.join(FOLDER, f"{name}.md") for name in names]


def pages() -> dict[str, str]:
    """Return the generated pages by name."""
    made = {f"{FOLDER}/{example.name}.md": page(example) for example in GALLERY}
    return {f"{FOLDER}/index.md": index(), **made}


def index() -> str:
    """Return the page that lists the examples."""
    items = "\n\n".join(
        f"[{example.title}]({example.name}.md)\n:   {example.story}" for example in GALLERY
    )
    return (
        "# Gallery of published examples\n\n"
        "Worked examples that others have published, every figure recomputed by chainrule each "
        "time these pages are built. A figure counts as met within one unit of its last printed "
        "digit; the build stops where one departs. The same statements are run by the tests "
        "(`examples/published`, `tests/golden`).\n\n" + items + "\n"
    )


def page(example: Example) -> str:
    """Return the page of an example."""
    conventions = "\n".join(f"- {line}" for line in example.conventions)
    pieces = [
        f"# {example.title}",
        example.story,
        f"**Source.** [{example.source}]({example.link})",
        f"**Conventions**\n\n{conventions}",
    ]
    if example.erratum:
        pieces.append(_admonition("warning", "Erratum", example.erratum))
    if example.network is not None:
        pieces.append(_derived(example))
    if example.ready:
        pieces += _recomputed(example)
    else:
        pieces.append(
            _admonition(
                "note",
                "Not recomputed in this build",
                "The data of this example is not part of the project and was not at hand. Set "
                "`CHAINRULE_DATA` to the folder that holds it. The figures to be met: "
                "see `examples/published`.",
            )
        )
    return "\n\n".join(pieces) + "\n"


def _derived(example: Example) -> str:
    assert example.network is not None
    derivation = cr.derive(example.network, batch=example.batch)
    return (
        f"## Its gradients\n\n{example.network}. Derived for this network and run for the figures "
        f"below, samples in rows:\n\n{equations(derivation.gradients)}"
    )


def _recomputed(example: Example) -> list[str]:
    pieces: list[str] = []
    met: list[Figure] = []
    for part in example.parts:
        figures = part()
        missed = [figure for figure in figures if not figure.holds]
        if missed:
            told = "; ".join(f"{f.what}: {f.published}, found {f.found!r}" for f in missed)
            raise Departure(f"gallery: {example.title}, {heading(part)}: {told}")
        if not met and not any(isinstance(figure, Chance) for figure in figures):
            pieces.append("*Off* is recomputed − published, in units of the last printed digit.")
        pieces.append(_table(part, figures))
        met += figures
    errata = sum(isinstance(figure, Erratum) for figure in met)
    verdict = f"{len(met) - errata} figures are met"
    if errata:
        verdict += f", {errata} published ones are missed as they have to be (see the erratum)"
    return [*pieces, _admonition("success", "Recomputed", f"{verdict}.")]


def _table(part: Part, figures: list[Figure]) -> str:
    rows = "\n".join(
        f"| {figure.what} | {figure.published.replace('-', '−')} | {_found(figure)} | "
        f"{_apart(figure)} |"
        for figure in figures
    )
    head = "| | published | recomputed | off |\n|---|--:|--:|--:|"
    if any(isinstance(figure, Chance) for figure in figures):
        head = "| | published | recomputed | allowed |\n|---|--:|--:|--:|"
    return f"## {heading(part)}\n\n{text(part)}\n\n{head}\n{rows}"


def _found(figure: Figure) -> str:
    """Return the number found, three digits finer than the published one."""
    digits = len(figure.published.partition(".")[2])
    return f"{figure.found:.{digits + 3}f}".replace("-", "−")


def _apart(figure: Figure) -> str:
    if isinstance(figure, Chance):
        return f"±{figure.spread:g}"
    return f"**{figure.difference}**" if isinstance(figure, Erratum) else figure.difference


def _admonition(kind: str, title: str, said: str) -> str:
    return f'!!! {kind} "{title}"\n    {said}'
