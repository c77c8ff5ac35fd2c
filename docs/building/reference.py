"""The reference: every public name from its docstring, every verb from its options."""

from collections.abc import Iterator

import click

import chainrule as cr
from chainrule import errors
from chainrule.command_line.main import VERBS, command

FOLDER = "reference"
GROUPS = {
    "network": ("describe", "Describe and derive"),
    "kernels": ("check", "Check and look inside"),
    "training": ("train", "Train, predict, save"),
    "estimators": ("estimators", "scikit-learn estimators"),
    "report": ("explain", "Explain"),
    "export": ("export", "Export"),
}
"""The page and title of the names of each floor."""


def groups() -> dict[str, tuple[str, list[str]]]:
    """Return pages with their title and public names; a floor without an entry has its own name."""
    found: dict[str, tuple[str, list[str]]] = {}
    for home, names in cr._HOMES.items():
        floor = home.partition(".")[0]
        page, title = GROUPS.get(floor, (floor, floor))
        found.setdefault(page, (title, []))[1].extend(names)
    listed = [name for _, names in found.values() for name in names]
    if sorted(listed) != sorted(cr.__all__):
        raise ValueError("the reference does not show exactly the names of chainrule.__all__")
    return found


def listed() -> list[str]:
    """Return the pages for the navigation."""
    return [f"{FOLDER}/{name}.md" for name in ("index", *groups(), "errors", "command-line")]


def pages() -> dict[str, str]:
    """Return the generated pages by name."""
    made = {f"{page}.md": _names(title, names) for page, (title, names) in groups().items()}
    made["errors.md"] = _errors()
    made["command-line.md"] = _verbs()
    made["index.md"] = _index()
    return {f"{FOLDER}/{name}": text for name, text in made.items()}


def _index() -> str:
    rows = [
        f"- [{title}]({page}.md): {', '.join(f'`{name}`' for name in names)}"
        for page, (title, names) in groups().items()
    ]
    rows.append("- [Errors](errors.md): what is raised, and what each message says")
    rows.append("- [Command line](command-line.md): every verb and option")
    listed = "\n".join(rows)
    return (
        "# Reference\n\nMade from the docstrings, whose examples the tests run, and from the "
        f"options of the command line.\n\n{listed}\n"
    )


def _names(title: str, names: list[str]) -> str:
    blocks = "\n\n".join(f"::: chainrule.{name}" for name in names)
    return f"# {title}\n\n{blocks}\n"


def _errors() -> str:
    tree = (errors.__doc__ or "").partition("::\n\n")[2]
    drawn, _, rest = tree.partition("\n\n")
    drawing = "\n".join(line.removeprefix("    ") for line in drawn.splitlines())
    classes = [
        name
        for name in errors.__all__
        if isinstance(value := getattr(errors, name), type) and issubclass(value, Exception)
    ]
    blocks = "\n\n".join(f"::: chainrule.errors.{name}" for name in classes)
    return f"# Errors\n\n```text\n{drawing}\n```\n\n{rest.strip()}\n\n{blocks}\n"


def _verbs() -> str:
    context = click.Context(command, info_name="chainrule")
    pieces = ["# Command line", command.help or "", (command.epilog or "").replace("  ", " ")]
    for verb in VERBS:
        found = command.get_command(context, verb)
        assert found is not None
        pieces += _verb(verb, found, context)
    return "\n\n".join(pieces) + "\n"


def _verb(verb: str, found: click.Command, above: click.Context) -> Iterator[str]:
    context = click.Context(found, info_name=verb, parent=above)
    usage = " ".join([context.command_path, *found.collect_usage_pieces(context)])
    yield f"## chainrule {verb}"
    yield f"```text\n{usage}\n```"
    yield _paragraphs(found.help or "")
    lines = []
    for parameter in found.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        option, help_text = record
        if help_text:  # arguments are told of below
            lines.append(f"`{option}`\n:   {_escaped(help_text)}")
    yield "\n\n".join(lines)
    if found.epilog:
        yield _paragraphs(found.epilog)


def _paragraphs(text: str) -> str:
    """Return help as Markdown; click marks paragraphs that keep their lines with \\b."""
    kept = []
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        if paragraph.startswith("\b"):
            kept.append(f"```text\n{paragraph[1:].strip(chr(10))}\n```")
        else:
            kept.append(_escaped(" ".join(paragraph.split())))
    return "\n\n".join(kept)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_").replace("[", r"\[")
