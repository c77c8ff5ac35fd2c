"""The floors of the house: who may import whom, and what `import chainrule` costs."""

import re
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]


def run_python(*arguments: str, folder: Path) -> str:
    """Run a fresh interpreter and return what it printed."""
    finished = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_import_contracts_hold(tmp_path: Path) -> None:
    # In tmp_path, because import-linter looks into the working directory first: what it judges
    # here is the installed package.
    lint = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports(sys.argv[1]))"
    report = run_python("-c", lint, str(ROOT / "pyproject.toml"), folder=tmp_path)
    assert "0 broken" in report


def test_no_two_files_have_the_same_name() -> None:
    names = Counter(
        path.name
        for path in (ROOT / "src" / "chainrule").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_formulas_lean_on_numpy_and_special_functions_only() -> None:
    graph = grimp.build_graph("chainrule", include_external_packages=True, cache_dir=None)
    outside: set[str] = set()
    for module in graph.find_descendants("chainrule.formulas") | {"chainrule.formulas"}:
        for imported in graph.find_modules_directly_imported_by(module):
            if imported == "scipy":  # the graph knows no parts of it, so the lines are asked
                details = graph.get_import_details(importer=module, imported=imported)
                outside |= {line["line_contents"] for line in details}
            elif not imported.startswith("chainrule."):
                outside.add(imported)
    special = re.compile("(import|from) scipy.special|from scipy import special$")
    refused = {
        name
        for name in outside - sys.stdlib_module_names - {"numpy"}
        if not special.match(name.strip())
    }
    assert not refused


HEAVY = ("click", "polars", "rich", "safetensors", "scipy", "sklearn")


def test_import_leaves_heavy_packages_unloaded(tmp_path: Path) -> None:
    code = "import sys, chainrule; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run_python("-c", code, folder=tmp_path).split()}
    assert "chainrule" in loaded
    assert sorted(loaded.intersection(HEAVY)) == []


def import_time_ratio(folder: Path) -> float:
    """Median time of `import chainrule` over that of `import numpy`, in alternating processes."""
    code = (
        "import sys, time; start = time.perf_counter(); __import__(sys.argv[1]);"
        "print(time.perf_counter() - start)"
    )
    times: dict[str, list[float]] = {"numpy": [], "chainrule": []}
    for _ in range(11):
        for package, seconds in times.items():
            seconds.append(float(run_python("-c", code, package, folder=folder)))
    return statistics.median(times["chainrule"]) / statistics.median(times["numpy"])


def test_import_takes_at_most_half_as_long_again_as_numpy(tmp_path: Path) -> None:
    # What else runs on the machine can only spoil a measurement, so a good one of three decides.
    ratios: list[float] = []
    while not ratios or (min(ratios) > 1.5 and len(ratios) < 3):
        ratios.append(import_time_ratio(tmp_path))
    assert min(ratios) <= 1.5, f"import chainrule / import numpy: {ratios}"
