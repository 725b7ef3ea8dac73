"""MovieLens data sets, from local archives: `cinematrix.data.movielens`."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cinematrix.data import movielens
from cinematrix.data.movielens import default, get
from cinematrix.data.readers import read
from cinematrix.errors import DownloadError, InputError, SettingError

SMALL = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,2,3.5,4\n",
    "movies.csv": "movieId,title,genres\n2,Heat (1995),Crime\n",
    "tags.csv": "userId,movieId,tag,timestamp\n",
    "links.csv": "movieId,imdbId,tmdbId\n2,0113277,949\n",
}
ATOMIC = {
    "recbole/dataset_example/ml-100k/ml-100k.inter": "user_id:token\titem_id:token\trating:float\n1\t2\t3\n",
    "recbole/dataset_example/ml-100k/ml-100k.item": "item_id:token\tmovie_title:token_seq\n2\tHeat\n",
    "recbole/__init__.py": "raise SystemExit('never imported')",
}


def zipped(files: dict[str, str]) -> bytes:
    """Create a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own cache folder, and no network access."""
    monkeypatch.setenv("CINEMATRIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CINEMATRIX_DATA", raising=False)
    monkeypatch.setenv("CINEMATRIX_GROUPLENS", "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[str]]:
    """Return a function that makes every download give the same bytes, and lists the requested addresses."""

    def set_content(content: bytes) -> list[str]:
        requested: list[str] = []

        def download(address: str, to: Path, *_: object) -> Path:
            requested.append(address)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(content)
            return to

        monkeypatch.setattr(movielens, "download", download)
        return requested

    return set_content


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Make pip download a package like that on PyPI."""
    content = zipped(ATOMIC)

    def pip(command: list[str], **_: object) -> None:
        assert command[1:4] == ["-m", "pip", "download"]
        assert command[-1] == "recbole==1.2.1"
        Path(command[-2], "recbole-1.2.1-py3-none-any.whl").write_bytes(content)

    monkeypatch.setattr(movielens.subprocess, "run", pip)
    monkeypatch.setattr(movielens, "WHEEL_SHA256", hashlib.sha256(content).hexdigest())
    return content


def test_an_archive_becomes_a_folder_that_can_be_read(home: Path, serve: Callable[[bytes], list[str]]) -> None:
    """Only the expected files are extracted, and the second call requests nothing."""
    extra = {"ml-latest-small/.hidden": "x", "__MACOSX/ml-latest-small/ratings.csv": "no", "../evil.csv": "no"}
    requested = serve(zipped({f"ml-latest-small/{name}": text for name, text in SMALL.items()} | extra))
    location = get("ml-latest-small", base="http://127.0.0.1:9/there/")
    assert requested == ["http://127.0.0.1:9/there/ml-latest-small.zip"]
    assert sorted(path.name for path in location.path.iterdir()) == sorted(SMALL)
    assert len(read(location.path).ratings) == 1
    assert get("ml-latest-small").path == location.path
    assert len(requested) == 1
    assert not list((home / "cache" / "downloads").iterdir())


def test_an_inner_folder_of_another_name_will_do(home: Path, serve: Callable[[bytes], list[str]]) -> None:
    """ml-10m's archive has the folder ml-10M100K; the target may be an empty folder."""
    serve(zipped({f"ml-10M100K/{name}": "1::2::3::4\n" for name in ("ratings.dat", "movies.dat", "tags.dat")}))
    (home / "to").mkdir()
    assert get("ml-10m", home / "to").path == home / "to"
    assert (home / "to" / "tags.dat").is_file()


def test_a_place_that_holds_something_else_is_left_alone(home: Path, serve: Callable[[bytes], list[str]]) -> None:
    """Files of another kind aren't overwritten."""
    serve(zipped(SMALL))
    (home / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        get("ml-latest-small", home)
    assert (home / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"ml-1m/ratings.dat": "1::2::3::4\n"}), "lacks some of ratings.csv"),
        (b"<html>", "is damaged"),
        (zipped(SMALL).replace(b"3.5", b"5.5"), "is damaged"),
        (zipped(SMALL | {"tags.csv": "x" * 2000}), r"has tags.csv of 2,000 bytes, more than expected"),
    ],
)
def test_bad_archives_leave_no_folder(
    home: Path, serve: Callable[[bytes], list[str]], monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    """Another data set, no archive, a damaged one, or a file that is too large gives an error and no folder."""
    small = movielens.DatasetFiles(movielens.ARCHIVES["ml-latest-small"].needed, (), 1000)
    monkeypatch.setitem(movielens.ARCHIVES, "ml-latest-small", small)
    serve(content)
    with pytest.raises(DownloadError, match=message):
        get("ml-latest-small")
    assert not (home / "cache" / "datasets").exists() or not list((home / "cache" / "datasets").iterdir())


def test_names_and_addresses_are_checked() -> None:
    """The error of an unknown name lists the data sets; a file address is refused."""
    with pytest.raises(SettingError, match="no data set 'ml-5m'; there are ml-latest-small, ml-100k"):
        get("ml-5m")
    with pytest.raises(SettingError, match="must begin with http"):
        get("ml-1m", base="file:///etc")


def test_the_default_data_set_is_looked_for_in_order(
    home: Path, serve: Callable[[bytes], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The argument comes first, then the environment, then the cache, then GroupLens."""
    serve(zipped(SMALL))
    fetched = default()
    assert "fetched ml-latest-small" in fetched.note
    serve(b"")
    assert default().note == f"using ml-latest-small from the cache: {fetched.path}"
    monkeypatch.setenv("CINEMATRIX_DATA", str(home / "mine"))
    assert (default().path, default().note) == (home / "mine", f"using $CINEMATRIX_DATA: {home / 'mine'}")
    assert default(home / "given").path == home / "given"


@pytest.mark.usefixtures("wheel")
def test_pypi_steps_in_for_grouplens_and_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the connection is refused, MovieLens 100K comes from the package, and next time from the cache."""
    location = default(timeout=1)
    assert location.note.startswith("GroupLens can't be reached (http://127.0.0.1:9/ml-latest-small.zip.md5")
    assert "MovieLens 100K from the package recbole==1.2.1" in location.note
    assert len(read(location.path).ratings) == 1
    assert read(location.path).catalog is not None
    assert get("ml-100k", home / "here", timeout=1).path == home / "here"
    monkeypatch.setattr(movielens.subprocess, "run", lambda *_, **__: pytest.fail("pip ran again"))
    assert default(timeout=1).note.startswith("using ml-100k from the cache")
    with monkeypatch.context() as offline:
        offline.setattr(movielens, "download", lambda *_: pytest.fail("GroupLens was requested again"))
        assert get("ml-100k", home / "here").path == home / "here"
    with pytest.raises(DownloadError, match=r"ml-1m.zip.md5 can't be fetched"):
        get("ml-1m", timeout=1)


def test_a_package_that_is_not_the_one_expected_is_refused(wheel: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is verified by its SHA-256 before it is opened."""
    monkeypatch.setattr(movielens, "WHEEL_SHA256", "f" * 64)
    with pytest.raises(DownloadError, match=f"has SHA-256 {hashlib.sha256(wheel).hexdigest()}, not ffff"):
        default(timeout=1)


def test_without_any_source_the_error_names_both_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has pip's last line and the advice to give a folder."""

    def pip(command: list[str], **_: object) -> None:
        raise movielens.subprocess.CalledProcessError(1, command, stderr="Retrying…\nERROR: no such host\n")

    monkeypatch.setattr(movielens.subprocess, "run", pip)
    with pytest.raises(DownloadError, match=r"nor can pip fetch .*\(ERROR: no such host\); give a folder .*--data"):
        default(timeout=1)
