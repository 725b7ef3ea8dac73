"""Crash tests: no acknowledged write is lost in forty seeded kills. `make crash` does a thousand."""

from pathlib import Path

import pytest

from crashes import Ledger, PendingWrite, possible_marks, run_crashes


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
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 5), ("postgresql", 5)])
def test_no_kill_loses_what_was_acknowledged(kind: str, kills: int, workers: int, tmp_path: Path) -> None:
    """No acknowledged write is lost by kill -9 of the server, a worker or PostgreSQL, with eight writers.

    Nothing is stored that wasn't sent, no pair has two rows, bulks are atomic, no response is a 500, and a start takes
    at most three seconds.
    """
    report = run_crashes(kind, kills, 31, tmp_path, workers=workers)
    assert not report.wrong
    assert report.kills == kills
    assert report.acknowledged > 8 * kills
    assert report.worked <= 3
