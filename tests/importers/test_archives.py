"""Tests of `cinematrix.importers.archives`: untrusted, mostly malicious archives."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cinematrix.errors import DataError
from cinematrix.importers import read
from cinematrix.importers.archives import MAX_MEMBER_BYTES, MAX_TOTAL_BYTES, ZipExport
from export_files import LETTERBOXD, letterboxd, lines, patch_bytes, zip_files
from places import ROOT

RATINGS = lines(f"{LETTERBOXD},Rating", *[f"2023-01-05,Film {at},1995,u,4" for at in range(100)])
GOOD = {"ratings.csv": RATINGS}
END = -22
"""Offset of the end record from the end, in an archive without a comment."""


def directory(content: bytes) -> int:
    """Return the offset of the central directory."""
    return content.index(b"PK\1\2")


def linked() -> bytes:
    """Build an archive whose ratings are a symbolic link."""
    content, info = io.BytesIO(), zipfile.ZipInfo("ratings.csv")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return content.getvalue()


def overlapping(n: int) -> bytes:
    """Build an archive with `n` members that share the bytes of one."""
    content = zip_files(GOOD)
    start = directory(content)
    entry, body = content[start:END], content[:start]
    listed = b"".join(entry.replace(b"ratings.csv", b"film%03d.csv" % at) for at in range(n - 1)) + entry
    end = patch_bytes(patch_bytes(patch_bytes(content[END:], 8, "<H", n), 10, "<H", n), 12, "<L", len(listed))
    return body + listed + end


def listed(n: int) -> bytes:
    """Build an archive that lists one member `n` times and declares one."""
    content = zip_files(GOOD)
    start = directory(content)
    entries = content[start:END] * n
    return content[:start] + entries + patch_bytes(content[END:], 12, "<L", len(entries))


def named(name: str) -> bytes:
    """Build an archive with an export's file under any name."""
    return zip_files({"x" * len(name): RATINGS}).replace(b"x" * len(name), name.encode())


def many(n: int) -> bytes:
    """Build an archive of `n` files."""
    return zip_files({f"{at}.csv": b"" for at in range(n)})


ZEROS = zip_files({"ratings.csv": bytes(40_000_000)})
SECRET = zip_files(GOOD)
SECRET = patch_bytes(patch_bytes(SECRET, 6, "<H", 1), directory(SECRET) + 8, "<H", 1)
PLAIN = zip_files(GOOD, method=zipfile.ZIP_STORED)
LATER = directory(PLAIN)

BAD = {
    "bomb": (ZEROS, "unpacks to more"),
    "bomb that hides its size": (patch_bytes(ZEROS, directory(ZEROS) + 24, "<L", 100), "damaged|hasn't the size"),
    "too many": (many(501), "more than 500"),
    "far too many": (many(20_000), "more than 500"),
    "too many, one admitted": (patch_bytes(patch_bytes(many(700), -14, "<H", 1), -12, "<H", 1), "more than 500"),
    "one listed 200,000 times": (listed(200_000), "more than 500"),
    "zip64": (zip_files(GOOD)[:END] + b"PK\6\7" + bytes(16) + zip_files(GOOD)[END:], "more than 500"),
    "overlapping": (overlapping(5), "overlap"),
    "too small a size": (patch_bytes(PLAIN, LATER + 24, "<L", 10), "damaged|hasn't the size"),
    "too large a size": (patch_bytes(PLAIN, LATER + 24, "<L", 10**6), "damaged|hasn't the size"),
    "bad checksum": (patch_bytes(PLAIN, LATER + 16, "<L", 1), "damaged"),
    "beyond the end": (patch_bytes(PLAIN, LATER + 20, "<L", 10**8), "damaged"),
    "place beyond the end": (patch_bytes(PLAIN, LATER + 42, "<L", 10**6), "damaged"),
    "encrypted": (SECRET, "encrypted"),
    "packed by lzma": (zip_files(GOOD, method=zipfile.ZIP_LZMA), "unusual"),
    "cut off": (PLAIN[:-30], "cut off"),
    "cut off early": (PLAIN[:100], "cut off"),
    "start alone": (b"PK\3\4", "cut off"),
    "nothing in it": (zip_files({}), "isn't a Letterboxd"),
    "link": (linked(), "isn't a Letterboxd"),
    "nested twice": (zip_files({"a.zip": zip_files({"b.zip": zip_files(GOOD)})}), "a ZIP in a ZIP in a ZIP"),
    "nested bomb": (zip_files({"a.zip": ZEROS}, method=zipfile.ZIP_STORED), "unpacks to more"),
    **{f"name {name!r}": (named(name), "isn't a Letterboxd|cut off") for name in (
        "../../ratings.csv", "/ratings.csv", "C:\\ratings.csv", "..\\ratings.csv", "ratings.csv\0.exe", "\0",
        "a/../ratings.csv", "ratings.csv/", "__MACOSX/ratings.csv",
    )},
}  # fmt: skip


@pytest.mark.fault(11, 12, 13)
@pytest.mark.parametrize("name", BAD)
def test_a_harmful_or_damaged_archive_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is one sentence, and nothing is written to disk."""
    monkeypatch.chdir(tmp_path)
    content, message = BAD[name]
    with pytest.raises(DataError, match=message):
        read(content, "export.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(12)
def test_a_name_that_occurs_twice_is_refused() -> None:
    """Names that differ only in case count as equal."""
    for other in ("ratings.csv", "Ratings.CSV"):
        content = zip_files(GOOD | {"x" * len(other): RATINGS}).replace(b"x" * len(other), other.encode())
        with pytest.raises(DataError, match="a name twice"):
            read(content)


@pytest.mark.fault(11)
def test_caps_count_unpacked_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits: 32 MB per member, 100 MB in total, and, above 1 MB, 100 times the packed size."""
    assert (MAX_MEMBER_BYTES, MAX_TOTAL_BYTES) == (32_000_000, 100_000_000)
    monkeypatch.setattr("cinematrix.importers.archives.MAX_TOTAL_BYTES", 3 * len(RATINGS))
    archive = ZipExport.open(zip_files(dict.fromkeys("abcd", RATINGS)))
    assert [archive.read(name) for name in "abc"] == [RATINGS] * 3
    with pytest.raises(DataError, match="unpacks to more"):
        archive.read("d")
    monkeypatch.undo()
    assert len(ZipExport.open(zip_files({"a": bytes(1_000_000)})).read("a")) == 1_000_000
    with pytest.raises(DataError, match="unpacks to more"):
        ZipExport.open(zip_files({"a": bytes(1_000_001)})).read("a")


def test_an_archive_with_one_table_is_that_table() -> None:
    """A zipped CSV is read like the CSV; the content counts, not the ending .zip or .csv."""
    plain = read(RATINGS, "ratings.zip")
    zipped = read(
        zip_files({"my ratings.csv": RATINGS, "readme.txt": "x", "__MACOSX/._my ratings.csv": b"\0"}), "a.csv"
    )
    assert zipped.entries == plain.entries
    assert plain.read == 100


GROWTH = """
import resource, time
from cinematrix.errors import DataError
from cinematrix.importers import read
from test_archives import BAD
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds = 0.0
for content, _ in BAD.values():
    started = time.process_time()
    try:
        read(content)
    except DataError:
        pass
    seconds = max(seconds, time.process_time() - started)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, seconds)
"""


@pytest.mark.fault(11)
def test_bad_archives_take_little_time_and_memory() -> None:
    """Each is refused within a second of CPU time; the process grows by less than two members of maximum size."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "helpers")}
    command = [sys.executable, "-c", GROWTH]
    completed = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent, env=environment
    )
    kilobytes, seconds = map(float, completed.stdout.split())
    assert seconds < 1
    assert kilobytes < 64_000


def test_a_profile_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile holds an e-mail address; members that aren't needed are never unpacked."""
    names = []
    original = ZipExport.read
    monkeypatch.setattr(ZipExport, "read", lambda self, name: names.append(name) or original(self, name))
    read(zip_files(letterboxd()))
    assert names == ["ratings.csv", "diary.csv", "reviews.csv", "watched.csv", "watchlist.csv", "likes/films.csv"]


def test_an_archive_in_an_archive_is_read_and_many_are_refused() -> None:
    """One level, with the positions of its rows; more than ten are a harmful file."""
    inner = zip_files({"ann/ratings.csv": RATINGS})
    journal = read(zip_files({"export.zip": inner, "read me.txt": "Hello"}))
    assert (journal.read, journal.entries[0].row) == (100, "export.zip/ratings.csv:2")
    with pytest.raises(DataError, match="more than 10 ZIPs"):
        read(zip_files({f"{at}.zip": inner for at in range(11)}))


def test_two_exports_in_one_archive_are_told_by_content() -> None:
    """Ratings on two scales are converted to half stars; a damaged member and an unsafe name are warnings."""
    imdb = b"Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0113277,9,2024-01-01,Heat,Movie,1995\n"
    files = {"a/export (1).csv": RATINGS, "b/x.csv": imdb, "b/broken.csv": b'title,rating\n"x,5\n', "../e.csv": imdb}
    journal = read(zip_files(files))
    assert (journal.source, journal.highest, journal.read) == ("letterboxd, imdb", 10.0, 101)
    assert {(entry.title, entry.rating) for entry in journal.entries} >= {("Heat", 9.0), ("Film 0", 8.0)}
    assert len(journal.warnings) == 2
    assert [warning for warning in journal.warnings if "broken.csv: line 2" in warning]


def test_series_count_against_no_cap() -> None:
    """Rows beyond the first 10,000 that are skipped are counted by reason; more than 500,000 rows are refused."""
    rows = b"title,type,rating\nHeat,movie,9\n" + b"Lost,tv,9\n" * 150_000
    journal = read(rows)
    assert (journal.read, len(journal.entries), len(journal.skipped)) == (150_001, 1, 10_000)
    assert journal.reasons == {"not a film": 150_000}
    with pytest.raises(DataError, match="more than 500,000 rows"):
        read(b"title,type,rating\n" + b"x,tv,9\n" * 500_001)
