"""Programs of C around an exported header: compiled strictly, run, their numbers read."""

import subprocess
from pathlib import Path

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
SANITIZED = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compiled(
    header: str, main: str, folder: Path, flags: list[str], linked: tuple[str, ...] = ("-lm",)
) -> Path:
    """Compile ``main`` beside the header model.h; return the program."""
    (folder / "model.h").write_text(header, encoding="utf-8")
    (folder / "main.c").write_text(main, encoding="utf-8")
    words = ["gcc", *STRICT, *flags, "main.c", "-o", "main", *linked]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "main"


def answered(program: Path, given: bytes = b"") -> list[list[float]]:
    """Run a program; return the numbers of each line."""
    done = subprocess.run([program], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [[float(word) for word in line.split()] for line in done.stdout.decode().splitlines()]
