"""What every test may use: Ctrl-C, the `peers` marker's rule and the folder of shared data sets."""

import gc
import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import selection

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("jax", "torch")


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C interrupt, give processes neighbors, state whether slow tests are left out.

    A process that a shell starts in its background ignores Ctrl-C and hands that on; tests of
    interruption would wait for ever.
    """
    if config.getoption("dist", "no") == "load":
        # Neighbors share fixtures, caches and what JAX has compiled: they stay in one process.
        config.option.dist = "worksteal"
    selection.LOOP = "not slow" in config.getoption("markexpr")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test on demand, or whose peers are not installed; fail it where these are promised.

    Such a test imports its peers inside itself or its fixtures: an import at the head of the
    module fails before this rule is asked, and pytest.importorskip would evade it.
    """
    if item.get_closest_marker("long") and not os.environ.get("CHAINRULE_SLOW"):
        pytest.skip("runs on demand: CHAINRULE_SLOW=1")
    wanted = {name for mark in item.iter_markers("peers") for name in mark.args or PEERS}
    missing = sorted(name for name in wanted if importlib.util.find_spec(name) is None)
    if not missing:
        return
    reason = f'not installed: {", ".join(missing)} (pip install ".[peers]")'
    if os.environ.get("CHAINRULE_REQUIRE_PEERS") == "1":
        pytest.fail(f"CHAINRULE_REQUIRE_PEERS=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module", autouse=True)
def _small_collections() -> Iterator[None]:
    """Leave what a module has imported and cached out of later garbage collections.

    A full collection over all that JAX, PyTorch and the tests hold takes two seconds, and counts as
    the time of the test in which it happens to fall.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets beside the repository; skips where there is none."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}")
    return folder
