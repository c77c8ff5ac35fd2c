"""Opening an address in the browser of a desktop, where somebody sits before one."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser

__all__ = ["open_in_browser"]


def open_in_browser(address: str) -> bool:
    """Open an address, and return whether that is tried: on a terminal with a display.

    A browser that would take the terminal is not started, and none is waited for.
    """
    if not (sys.stdout.isatty() and _has_display()):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if type(browser) is webbrowser.GenericBrowser:  # such as lynx
        return False
    threading.Thread(target=browser.open, args=(address,), daemon=True).start()
    return True


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
