"""Coverage of the faults that the service must survive: each has a test marked `@pytest.mark.fault(number)`."""

import re

from places import ROOT

FAULTS = {
    1: "ratings that aren't on the scale, or aren't numbers",
    2: "IDs that are unknown or invalid",
    3: "an unknown movie or user",
    4: "the same rating sent twice",
    5: "two writers of one rating at once",
    6: "a client that tries again after a timeout",
    7: "client times in the future, before 1970, in ms",
    8: "the server's clock jumps",
    9: "hostile JSON and bodies",
    10: "a bulk with one bad row",
    11: "archives that unpack to too much",
    12: "names in archives that lead elsewhere",
    13: "archives that are damaged, encrypted, or none",
    14: "text in any encoding, with any fault",
    15: "other headers, and the wrong file",
    16: "rows that are empty or duplicate",
    17: "an import of 200,000 rows",
    18: "an import that is repeated or killed",
    19: "hostile XML",
    20: "cells that a spreadsheet would execute",
    24: "a damaged or hostile model file",
    25: "kill -9 while a model is written or swapped in",
    26: "hot swaps under load",
    27: "a model without movies or users that the store has",
    28: "a worse model",
    29: "a model from a newer version",
    30: "no model at the first start",
    31: "kill -9 while eight writers write",
    32: "SIGTERM, SIGINT, and a second signal",
    33: "a full disk",
    34: "another process or server on the same SQLite file",
    35: "a database that is corrupt, deleted, foreign, or of another version",
    36: "a SQLite with the write-ahead log race",
    37: "idle connections, slow headers and bodies",
    38: "requests for too much memory",
    39: "four times the requests that it can answer",
    40: "a route that raises",
    41: "a cold cache under concurrent requests",
    42: "a log that nobody reads",
    43: "no key, a wrong key, a key in the wrong place",
    44: "other users' data, unknown members, roles",
    45: "other origins, frames, hosts",
    46: "paths out of the tree, ranges, huge headers",
    47: "floods of ratings and fake users",
    48: "requests that would reveal other users",
    49: "a model or dependency that was tampered with",
    50: "recommendations that narrow down",
}

UNTESTED: dict[int, str] = {}
"""Faults without a test, each with the reason. It may only shrink."""


def list_tested_faults() -> dict[int, set[str]]:
    """Return the names of the test files by fault number."""
    tested: dict[int, set[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for numbers in re.findall(r"pytest\.mark\.fault\(([\d, ]+)\)", file.read_text("utf-8")):
            for number in numbers.split(","):
                tested.setdefault(int(number), set()).add(file.name)
    return tested


def test_every_fault_has_a_test_or_a_reason() -> None:
    """Each fault has a test or a reason why not, and not both."""
    tested = {number for number in list_tested_faults() if number in FAULTS}
    assert not tested & set(UNTESTED), "remove the faults that have a test now from UNTESTED"
    assert tested | set(UNTESTED) == set(FAULTS)
