"""The configuration: backend, instruction set, threads, compiler, versions."""

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from chainrule.kernels import core_library


def configuration() -> dict[str, str]:
    """Return the backend, versions and the machine, by name.

    >>> configuration()["backend"] in ("compiled", "reference")
    True
    """
    found = {"backend": "compiled" if core_library.available() else "reference"}
    try:
        found["chainrule"] = version("chainrule")
    except PackageNotFoundError:
        found["chainrule"] = "not installed"
    if core_library.available():
        found.update(core_library.built())
    else:
        found["core"] = core_library.missing()
    found["numpy"] = np.__version__
    found["python"] = platform.python_version()
    found["machine"] = f"{platform.system()} {platform.machine()}"
    return found


def show_config() -> None:
    """Print the backend, the instruction sets in use and available, threads and compiler."""
    entries = configuration()
    width = max(map(len, entries))
    for name, value in entries.items():
        print(f"{name:<{width}}  {value}")
