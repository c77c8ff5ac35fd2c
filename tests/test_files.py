"""Writing files: whole or not at all, whatever fails."""

import os
from pathlib import Path

import pytest

from chainrule import files, temporaries
from chainrule.errors import ChainruleError, InputError, InputTypeError, ModelFileError
from chainrule.files import refuse_unwritable, write_atomically
from chainrule.network.architecture import Network
from chainrule.table_models.model_files import load, save
from chainrule.temporaries import temporary_file, temporary_folder


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


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_a_read_only_file_is_refused_before_and_after_the_work(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"protected")
    path.chmod(0o444)
    for write in (refuse_unwritable, lambda path: write_atomically(path, b"new")):
        with pytest.raises(InputError, match=r"m: is read-only; make it writable \(chmod u\+w\)"):
            write(path)
    assert path.read_bytes() == b"protected"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_a_link_to_itself_is_refused_and_stays(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    for write in (refuse_unwritable, lambda path: write_atomically(path, b"new")):
        with pytest.raises(InputError, match="one: is a symbolic link to itself; give another"):
            write(one)
    assert one.is_symlink()
    assert other.is_symlink()


def test_a_link_to_a_missing_file_makes_it(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "missing")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "missing").read_bytes() == b"new"


@pytest.mark.parametrize("path", [None, 3, ["m"]])
def test_what_is_no_path_is_refused(path):
    network = Network.dense([1, 1])
    with pytest.raises(InputTypeError, match="`path` must be the path of a file, got"):
        save((network, network.initialize()), path)


def test_saving_over_the_file_that_was_loaded(tmp_path):
    path = tmp_path / "m"
    network = Network.dense([2, 3, 1])
    save((network, network.initialize(seed=1)), path)
    first = path.read_bytes()
    loaded = load(path)
    save(loaded, path)
    assert path.read_bytes() == first
    loaded.parameters.flat[:] = 0.5
    save(loaded, path)
    assert set(load(path).parameters.flat) == {0.5}


@pytest.mark.skipif(os.name != "posix", reason="modes and users of POSIX")
def test_a_folder_that_may_not_be_searched(tmp_path):
    network = Network.dense([1, 1])
    pair = (network, network.initialize())
    hidden = tmp_path / "hidden"
    save_in = hidden / "m"
    hidden.mkdir()
    save(pair, save_in)
    hidden.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    user = os.geteuid()
    if user == 0:  # who may search every folder
        os.seteuid(65534)
    try:
        with pytest.raises(ModelFileError, match=r"cannot be read \(Permission denied\)"):
            load(save_in)
        with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
            save(pair, save_in)
        with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
            refuse_unwritable(save_in)
    finally:
        if user == 0:
            os.seteuid(0)
        hidden.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_leftovers_are_removed_but_not_the_files_of_the_living(tmp_path):
    path = tmp_path / "m"
    dead = tmp_path / ".m.0123456789abcdef.tmp"
    others = [tmp_path / name for name in (".m.tmp", ".n.0123456789abcdef.tmp", ".m.xyz.tmp")]
    for leftover in (dead, *others):
        leftover.write_bytes(b"half")
    (tmp_path / ".m.0000000000000000.tmp").symlink_to(others[0])
    with temporary_file(path) as living, temporary_folder(path) as folder:
        write_atomically(path, b"new")
        assert living.exists()
        assert folder.exists()
        assert not dead.exists()
    assert all(other.exists() for other in others)
    assert path.read_bytes() == b"new"
    assert not living.exists()
    assert not folder.exists()


def test_a_temporary_that_was_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    # Another process may remove it between its creation and its lock.
    path, created = tmp_path / "m", []
    real = Path.touch

    def touch(self, **options):
        real(self, **options)
        created.append(self)
        if len(created) == 1:
            temporaries.remove_leftovers(path)

    monkeypatch.setattr(Path, "touch", touch)
    write_atomically(path, b"new")
    assert len(created) == 2
    assert path.read_bytes() == b"new"


def test_names_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("的" * 85)  # 255 bytes
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
