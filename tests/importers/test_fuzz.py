"""Fuzz tests of `cinematrix.importers`: any generated or damaged file is read or refused.

`make fuzz` does the same without a time limit, guided by code coverage.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_files import SEEDS, zip_files
from fuzz_check import check_upload

NAMES = ("", "ratings.csv", "watchlist.csv", "diary.csv", "likes/films.csv", "ratings-movies.json", "a/../\0")


FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 9), st.binary(max_size=6)), min_size=1, max_size=4)


def damaged(content: bytes, damage: list[tuple[int, int, bytes]]) -> bytes:
    """Return the bytes with pieces removed and inserted."""
    for at, cut, piece in damage:
        at %= len(content) + 1
        content = content[:at] + piece + content[at + cut :]
    return content


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_read(seed: str) -> None:
    """Undamaged seeds are valid exports, so the damaged ones below are close to valid."""
    assert check_upload(SEEDS[seed], seed)


@pytest.mark.parametrize("seed", SEEDS)
@FUZZ
@given(damage=DAMAGE)
def test_damaged_files_are_read_or_refused(seed: str, damage: list[tuple[int, int, bytes]]) -> None:
    """Each source's file with bytes removed and inserted, alone and in an archive with a valid checksum."""
    content = damaged(SEEDS[seed], damage)
    check_upload(content, seed)
    if not SEEDS[seed].startswith(b"PK"):
        check_upload(zip_files({seed: content}), "export.zip")


@FUZZ
@given(
    content=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\3\4", b"<", b"[", b"\xff\xfe", b"title,rating\n"])
)
def test_bytes_are_read_or_refused(content: bytes, start: bytes) -> None:
    """Any bytes after each format's first bytes."""
    for name in NAMES:
        check_upload(start + content, name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2023-01-01T00:00:00.000Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["movie", "ids", "rating", "rated_at", "title", "type", "imdb", "year"]), inner
        )
    ),
    max_leaves=20,
)


@FUZZ
@given(JSON)
def test_json_is_read_or_refused(value: object) -> None:
    """Any JSON with Trakt's keys."""
    for file in (json.dumps(value), json.dumps([value])):
        check_upload(file.encode(), "x.json")
        check_upload(zip_files({"ratings-movies.json": file}), "x.zip")
