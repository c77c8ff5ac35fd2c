"""The start and the end of the process: Ctrl-C is in hand before anything else is imported.

Importing NumPy and the verbs takes long enough to be interrupted, and some compiled modules turn an
interruption of their import into another error. So until a verb begins Ctrl-C ends the process at
once: nothing has begun that would have to be ended in order. The first hundredths of a second are
Python's own, before any program can say what an interruption does. At the end Python takes as long
again to end its threads and modules, and would end by the signal, or with a traceback.
"""

from __future__ import annotations

import atexit
import os
import signal
from contextlib import suppress
from typing import NoReturn

__all__ = ["begin_ending", "end_of_start_up", "main"]


def main() -> NoReturn:
    """Run the command line; the entry point of the installed command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from chainrule.command_line.main import main as run

    run()


def end_of_start_up() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, as in every Python program."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def begin_ending() -> None:
    """Let Ctrl-C end the process at once while threads end, and change nothing thereafter.

    All is written and output is flushed, so the exit code is that of the command.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    signal.signal(signal.SIGINT, _leave)
    # Python ends its threads, calls this, and gives up every handler but that which ignores.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    # A KeyboardInterrupt that leaves an exec of a text (an import has one for every dataclass)
    # makes `python -m` end by the signal, even where it was handled; the next exec forgets it.
    exec("")


def _leave(*_: object) -> NoReturn:
    with suppress(OSError):
        os.write(2, b"chainrule: error: interrupted\n")
    os._exit(130)
