"""Writing files: whole or not at all, whatever fails."""

import os
from pathlib import Path

import pytest

from chainrule import files
from chainrule.errors import ChainruleError, InputError
from chainrule.files import refuse_unwritable, write_atomically
from chainrule.network.architecture import Network
from chainrule.table_models.model_files import save


def test_paths_that_cannot_be_written(tmp_path):
    network = Network.dense([1, 1])
    pair = (network, network.initialize())
    (tmp_path / "file").write_text("mine")
    for path, message in (
        (tmp_path, "is a directory; give the name of a file in it"),
        (tmp_path / "none" / "m", "cannot be written .No such file"),
        (tmp_path / "file" / "m", "cannot be written .Not a directory"),
        ("a\0b", "null"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            save(pair, path)
        assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, failing, fail)
    with pytest.raises(ChainruleError, match="No space left") as caught:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert not isinstance(caught.value, InputError)  # not the user's mistake: exit code 1
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_modes_links_and_pipes(tmp_path):
    path, link = tmp_path / "m", tmp_path / "link"
    write_atomically(path, b"1")
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path)
    write_atomically(link, b"2")
    assert link.is_symlink()
    assert path.read_bytes() == b"2"
    assert path.stat().st_mode & 0o777 == 0o640
    write_atomically("/dev/null", b"3")
    assert not Path("/dev/null").is_file()
    refuse_unwritable(tmp_path / "new" / "folder" / "m")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "m"]
