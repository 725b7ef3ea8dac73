"""Atomic writes: `cinematrix.common.atomic_files`."""

import os
from pathlib import Path

import pytest

from cinematrix.common import atomic_files
from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.errors import InputError


def names(folder: Path) -> list[str]:
    """Names in a folder, hidden files too."""
    return sorted(each.name for each in folder.iterdir())


def make_folder(at: Path, content: str) -> None:
    at.mkdir()
    (at / "a.txt").write_text(content)
    (at / "deeper").mkdir()
    (at / "deeper" / "b.txt").write_text(content)


def test_a_file_and_a_folder_appear_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    """Parent folders are created, and no temporary file remains."""
    with write_atomically(tmp_path / "new" / "file") as place:
        place.write_text("x")
        assert not (tmp_path / "new" / "file").exists()
    with write_atomically(tmp_path / "new" / "folder") as place:
        make_folder(place, "x")
    assert names(tmp_path / "new") == ["file", "folder"]


def test_what_exists_is_kept_unless_forced(tmp_path: Path) -> None:
    """Without `force` the block doesn't run; a broken link counts as existing."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="exists already; give another name"), write_atomically(tmp_path / name):
            pytest.fail("the block ran")
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("exchange", [True, False], ids=["in one step", "in two steps"])
def test_forced_it_replaces_a_file_and_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    """The new content replaces the old one completely, also where names can't be exchanged."""
    if not exchange:
        monkeypatch.setattr(atomic_files, "_exchange", lambda a, b: False)
    make_folder(tmp_path / "folder", "old")
    (tmp_path / "folder" / "only-old").touch()
    (tmp_path / "file").write_text("old")
    with write_atomically(tmp_path / "folder", force=True) as place:
        make_folder(place, "new")
    with write_atomically(tmp_path / "file", force=True) as place:
        place.write_text("new")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["a.txt", "deeper"]
    assert (tmp_path / "folder" / "a.txt").read_text() == (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_if_the_block_fails_the_old_one_stays_whole(tmp_path: Path, error: BaseException) -> None:
    """After any error, Ctrl-C too, no partial file remains; an OSError becomes one sentence."""
    make_folder(tmp_path / "folder", "old")
    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught, write_atomically(tmp_path / "folder", force=True) as place:  # noqa: PT012
        place.mkdir()
        (place / "a.txt").write_text("new")
        raise error
    if isinstance(error, OSError):
        assert str(caught.value) == f"{tmp_path / 'folder'} can't be written: No space left on device"
    assert names(tmp_path) == ["folder"]
    assert (tmp_path / "folder" / "a.txt").read_text() == "old"


def test_if_the_renaming_fails_the_old_one_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the second of two renames fails, the first one is undone."""
    monkeypatch.setattr(atomic_files, "_exchange", lambda a, b: False)
    make_folder(tmp_path / "folder", "old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with (
        pytest.raises(InputError, match="Input/output error"),
        write_atomically(tmp_path / "folder", force=True) as place,
    ):
        make_folder(place, "new")
    assert names(tmp_path) == ["folder"]
    assert (tmp_path / "folder" / "a.txt").read_text() == "old"


def test_a_place_inside_a_file_is_one_clear_error(tmp_path: Path) -> None:
    """A parent that is a file is an error before the block runs."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "y" / "x"):
        with pytest.raises(InputError, match=r"can't be written: .*file isn't a folder"), write_atomically(path):
            pytest.fail("the block ran")


def test_a_read_only_folder_is_an_error_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check_writable` checks the access rights of the nearest existing folder."""
    checked: list[Path] = []
    monkeypatch.setattr(atomic_files.os, "access", lambda path, mode: bool(checked.append(path)))
    with pytest.raises(InputError, match="isn't writable; give another folder"):
        check_writable(tmp_path / "a" / "b")
    assert checked == [tmp_path]


def test_a_file_never_replaces_a_folder(tmp_path: Path) -> None:
    """Not even with `force`: a folder may hold other files."""
    folder = tmp_path / "folder"
    make_folder(folder, "old")
    with pytest.raises(InputError, match="would be replaced by a file"), write_atomically(folder, force=True) as place:
        place.write_text("new")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == ["a.txt", "deeper"]


@pytest.mark.parametrize("target", ["first", "nowhere"])
@pytest.mark.parametrize("content", ["file", "folder"])
@pytest.mark.parametrize("exchange", [True, False], ids=["in one step", "in two steps"])
def test_a_link_is_replaced_and_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, content: str, exchange: bool
) -> None:
    """The target of a link stays as it is, whether a file or a folder replaces the link."""
    if not exchange:
        monkeypatch.setattr(atomic_files, "_exchange", lambda a, b: False)
    make_folder(tmp_path / "first", "old")
    (tmp_path / "current").symlink_to(tmp_path / target)
    with write_atomically(tmp_path / "current", force=True) as place:
        place.write_text("new") if content == "file" else make_folder(place, "new")
    new = tmp_path / "current" if content == "file" else tmp_path / "current" / "a.txt"
    assert (new.read_text(), (tmp_path / "current").is_symlink()) == ("new", False)
    assert (tmp_path / "first" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["current", "first"]


def test_what_killed_processes_left_is_cleared_away(tmp_path: Path) -> None:
    """Old temporary files of this name are removed; recent ones, those of other names and renamed folders stay."""
    orphans = {".m.1.part": True, ".m.2.part": False, ".other.3.part": True, ".m.4.old": True}
    for name, is_old in orphans.items():
        make_folder(tmp_path / name, "orphan")
        if is_old:
            os.utime(tmp_path / name, (0, 0))
    with write_atomically(tmp_path / "m") as place:
        place.write_text("x")
    assert names(tmp_path) == [".m.2.part", ".m.4.old", ".other.3.part", "m"]


def test_a_rest_of_an_earlier_process_of_the_same_number_is_no_obstacle(tmp_path: Path) -> None:
    """In a container every run may have the same process ID; a killed run's temporary files are overwritten."""
    make_folder(tmp_path / f".m.{os.getpid()}.part", "orphan")
    with write_atomically(tmp_path / "m") as place:
        make_folder(place, "new")
    assert names(tmp_path) == ["m"]
