"""Threads that sleep while they wait: `cinematrix.common.waiting_threads`."""

import os

import pytest

from cinematrix.cli import main
from cinematrix.common.waiting_threads import SLEEP


def test_the_command_line_lets_waiting_threads_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are set before any command runs, and what the user has set remains."""
    seen: list[dict[str, str | None]] = []
    monkeypatch.setattr(main, "_run_app", lambda: seen.append({name: os.environ.get(name) for name in SLEEP}))
    for name in SLEEP:
        monkeypatch.delenv(name, raising=False)
    main.run()
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    main.run()
    assert seen == [SLEEP, SLEEP | {"OMP_WAIT_POLICY": "ACTIVE"}]
