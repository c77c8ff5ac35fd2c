"""The pictures of the README: ``python -m docs.building.pictures`` writes docs/assets/pictures.

A derivation (a browser's view of the page, so chromium is needed), a training in a terminal, its
curve, and charts of the figures in benchmarks/README.md. The files are in the repository, because
the pages that show them are read there.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from chainrule.pictures.charts import bars
from chainrule.table_models.table_training import train_table

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "assets" / "pictures"
FIGURES = ROOT / "benchmarks" / "README.md"
NETWORK = "30-64-64-1, 32"
PEERS = ("chainrule", "JAX", "scikit-learn", "PyTorch")


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    derivation()
    terminal()
    curve()
    accuracy()
    speed()


def derivation() -> None:
    """Write the hidden layer of a derivation as a browser shows it."""
    browser = shutil.which("chromium") or sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        run("derive", "--layers", "4,16,3", "--activation", "relu", "--loss", "log_loss",
            "--output", str(page))  # fmt: skip
        text = page.read_text(encoding="utf-8")
        only = (
            "<style>h1, nav, section:not([aria-labelledby='section-7']) { display: none }</style>"
        )
        page.write_text(text.replace("</head>", f"{only}</head>"), encoding="utf-8")
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=860,560",
             f"--screenshot={FOLDER / 'derivation.png'}",
             page.as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip


def terminal() -> None:
    """Write what a training prints, as a terminal shows it."""
    with tempfile.TemporaryDirectory() as folder:
        text = run("train", str(ROOT / "examples" / "iris.csv"), "--target", "species",
                   "--preset", "fast", folder=folder)  # fmt: skip
    shown = text.replace(str(ROOT / "examples") + "/", "")
    console = Console(record=True, width=92, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(Text(f"$ chainrule train iris.csv --target species --preset fast\n{shown}"))
    svg = console.export_svg(title="chainrule")
    # No font is fetched: the fallback is the reader's monospace font.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (FOLDER / "terminal.svg").write_text(svg.replace("Fira Code", "ui-monospace"), encoding="utf-8")


def curve() -> None:
    """Write the losses of a training by epoch."""
    run_ = train_table(ROOT / "examples" / "iris.csv", "species", preset="fast", seed=0)
    run_.plot().save(FOLDER / "curve.svg")


def accuracy() -> None:
    """Write the error beside that of the peers: geometric means over all tables."""
    lines = FIGURES.read_text(encoding="utf-8").splitlines()
    head = next(line for line in lines if line.startswith("| | scikit-learn MLP"))
    row = next(line for line in lines if line.startswith("| all 15 tables"))
    names = [re.sub(r" \(.*", "", cell) for cell in cells(head)[1:]]
    ratios = [1 / float(cell) for cell in cells(row)[1:]]
    title = "Error; chainrule is 1 (mean of 15 tables)"
    bars(["chainrule", *names], [1.0, *ratios], title).save(FOLDER / "accuracy.svg")


def speed() -> None:
    """Write the time of a training step beside that of the peers."""
    lines = FIGURES.read_text(encoding="utf-8").splitlines()
    row = next(cells(line) for line in lines if line.startswith(f"| {NETWORK} "))
    head = next(cells(line) for line in lines if line.startswith("| network, batch | µs a step"))
    own = float(row[1])
    ratios = [row[head.index(peer)].strip("*").split(" ")[0] for peer in PEERS[1:]]
    times = [own, *(own * float(ratio) for ratio in ratios)]
    layers, batch = NETWORK.split(", ")
    title = f"µs a step, network {layers}, batch {batch}"
    bars(PEERS, times, title).save(FOLDER / "speed.svg")


def cells(line: str) -> list[str]:
    """Return the cells of a line of a table in Markdown."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def run(*words: str, folder: str | None = None) -> str:
    """Return what a verb prints, run in a folder."""
    command = [sys.executable, "-m", "chainrule", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return done.stdout


if __name__ == "__main__":
    main()
