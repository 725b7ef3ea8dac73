"""Crash tests: no acknowledged write is lost in forty seeded kills. `make crash` does a thousand."""

from pathlib import Path

import pytest

from crashes import Ledger, PendingWrite, possible_marks, run_crashes

KILLS = 5


def test_the_ledger_allows_what_may_be() -> None:
    """It allows the last acknowledged write, and writes that overlap it or got no response; no earlier one."""
    first, second = PendingWrite(1, 0, 1), PendingWrite(2, 2, 3)
    assert possible_marks([first, second]) == {2}
    assert possible_marks([first, PendingWrite(2, 0.5, 3)]) == {1, 2}
    assert possible_marks([first, second, PendingWrite(3, 1)]) == {2, 3}
    assert possible_marks([first, PendingWrite(None, 2, 3)]) == {None}


def test_the_ledger_notices_what_is_lost_and_what_was_never_written() -> None:
    """It reports an older mark, a missing one, one never sent, an unknown pair, and a late unanswered write."""
    for found in ({("ann", 1): 1}, {}, {("ann", 1): 9}, {("ann", 1): 2, ("bob", 1): 3}):
        ledger = Ledger({("ann", 1): [PendingWrite(1, 0, 1), PendingWrite(2, 2, 3)]})
        ledger.settle(dict(found))
        assert len(ledger.wrong) == 1
    late = Ledger({("ann", 1): [PendingWrite(1, 0, 1), PendingWrite(2, 2)]})
    late.settle({("ann", 1): 1})
    assert not late.wrong
    late.settle({("ann", 1): 2})
    assert len(late.wrong) == 1


@pytest.mark.fault(31)
@pytest.mark.parametrize(
    ("kind", "workers", "fresh"),
    [("sqlite", 1, True), ("sqlite", 2, False), ("postgresql", 1, False), ("postgresql", 2, True)],
)
def test_no_kill_loses_what_was_acknowledged(kind: str, workers: int, fresh: bool, tmp_path: Path) -> None:
    """No acknowledged write is lost by kill -9 of the server, a worker or PostgreSQL, with eight writers.

    Nothing is stored that wasn't sent, no pair has two rows, bulks are atomic, no response is a 500, and a start takes
    at most three seconds; those of a server on each kind of database are starts as a user starts it.
    """
    report = run_crashes(kind, KILLS, 31, tmp_path, workers=workers, fresh=fresh)
    assert not report.wrong
    assert report.kills == KILLS
    assert report.acknowledged > 8 * KILLS
    assert report.worked <= 3
