"""Progress bars for a terminal and for a notebook: `cinematrix.common.progress_bar`."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cinematrix.common.progress import Silent, running
from cinematrix.common.progress_bar import NotebookBar, TerminalBar, default_progress


class FakeDisplay:
    """IPython's `display`, which remembers what it shows."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, content: Any, display_id: bool = False) -> "FakeDisplay":
        assert display_id
        self.update(content)
        return self

    def update(self, content: Any) -> None:
        """Show other content in the same place."""
        self.shown.append(content._repr_html_())


def test_a_notebooks_bar_shows_steps_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps and an escaped note, at most one update in a while, and nothing at the end."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("cinematrix.common.progress_bar.time", SimpleNamespace(monotonic=lambda: clock.now))
    display = FakeDisplay()
    with running(NotebookBar(display), "training", 4) as _:
        bar = NotebookBar(display)
        bar.start("training", 4)
        for _ in range(4):
            clock.now += 0.11
            bar.advance(1, "loss <0.5>")
        bar.stop()
    assert "training 0/4" in display.shown[0]
    assert any("training 2/4 loss &lt;0.5&gt;" in each for each in display.shown)
    assert "training 1/4" not in "".join(display.shown)
    assert display.shown[-1] == ""


def test_a_notebook_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython's kernel gives a bar in the notebook, its terminal doesn't."""
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    display.display = FakeDisplay()  # type: ignore[attr-defined]
    for name, module in (("IPython", ipython), ("IPython.display", display)):
        monkeypatch.setitem(sys.modules, name, module)
    ipython.get_ipython = lambda: SimpleNamespace(config={"IPKernelApp": {}})  # type: ignore[attr-defined]
    assert isinstance(default_progress(), NotebookBar)
    ipython.get_ipython = lambda: SimpleNamespace(config={})  # type: ignore[attr-defined]
    assert isinstance(default_progress(), Silent)


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a file has none."""
    assert isinstance(default_progress(), Silent)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(default_progress(), TerminalBar)
