"""The compiled core: whether it could be imported, and how it was built."""

from functools import cache

from chainrule.errors import CoreUnavailable
from chainrule.kernels.threads import threads_of

try:
    from chainrule.kernels import _core
except ImportError as error:
    _missing: ImportError | None = error
else:
    _missing = None


def available() -> bool:
    """Return whether the compiled core could be imported."""
    return _missing is None


def require() -> None:
    """Raise ``CoreUnavailable``, with a hint how to build the core, if it is missing."""
    if _missing is not None:
        raise CoreUnavailable(
            f"backend 'compiled': the core could not be imported ({_missing}). Build it with "
            "`pip install .` in the source folder (a C++20 compiler is needed), or use "
            "backend='reference'"
        )


def missing() -> str:
    """Return why the core could not be imported."""
    return str(_missing or "")


def built() -> dict[str, str]:
    """Return how the core was built and what it runs on."""
    require()
    information = _core.build_info()
    return {
        "instruction set": _core.in_use(),
        "instruction sets available": ", ".join(_core.instruction_sets()),
        "threads": str(threads_of()),
        "compiler": f"{information['compiler']} {information['compiler_version']}",
        "nanobind": information["nanobind_version"],
    }


@cache
def natives() -> dict[str, int]:
    """Return the number of each generated kernel by the text of its formula."""
    return {text: number for number, text in enumerate(_core.formulas())}
