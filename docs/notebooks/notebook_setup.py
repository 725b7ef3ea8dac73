"""Shared by the notebooks: the ratings that they look at, a service to ask, and pictures for light and dark pages.

`import notebook_setup` sets Matplotlib's style. In Jupyter and on the site a figure is drawn in the text colour of the
page around it.
"""

import asyncio
import logging
import re
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.error import URLError

import matplotlib as mpl
import matplotlib.pyplot as plt
import polars as pl
from cycler import cycler
from matplotlib.figure import Figure

import cinematrix as cx
from cinematrix.common.paths import cache_folder
from cinematrix.common.plotting import SERIES_COLOURS
from cinematrix.common.progress_bar import default_progress
from cinematrix.common.waiting_threads import let_waiting_threads_sleep
from cinematrix.data.movielens import default
from cinematrix.data.simulate import LABEL, SimulationSettings, simulate
from cinematrix.errors import DownloadError

let_waiting_threads_sleep()  # as the command line does

INK = "#7d7d7e"
"""Colour of text and lines: a grey that can be read on white and on black, and the page's text colour in a drawing."""

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=SERIES_COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "figure.figsize": (7.5, 3.2),
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "cinematrix",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
"""Matplotlib's settings. Text stays text, in the reader's font."""


def example_ratings() -> cx.Dataset:
    """Read the ratings that the notebooks look at, and say what they are.

    They are those of `$CINEMATRIX_DATA`, else MovieLens, which is downloaded once. Where neither can be had, they are
    simulated.
    """
    try:
        path = default(progress=default_progress()).path
    except DownloadError as error:
        print(f"No ratings of real people here: {error}.")
        path = _simulated_ratings()
    dataset = cx.read(path)
    label = f" ({LABEL})" if (path / "simulated.json").exists() else ""
    print(f"{path.name}{label}: {dataset!r}")
    return dataset


def _simulated_ratings() -> Path:
    """Return the folder of a simulated world about as large as MovieLens latest-small."""
    folder = cache_folder() / "simulated-for-notebooks"
    if not folder.exists():
        simulate(SimulationSettings(users=800, movies=3000, ratings=100_000), folder)
    return folder


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Serve a saved model while the block runs, and give its address: `cinematrix serve`, in a thread of this process.

    What is stored there ends with the block.
    """
    from cinematrix.service.app import create_app
    from cinematrix.service.server import make_server
    from cinematrix.service.settings import ServiceSettings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with TemporaryDirectory() as folder:
        logging.getLogger("_granian").addHandler(logging.NullHandler())  # else a notebook shows its warnings
        settings = ServiceSettings(model, f"sqlite:///{folder}/store.db", port=port)
        server = make_server(create_app(settings), settings)
        thread = Thread(target=lambda: asyncio.run(server.serve()))
        thread.start()
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/readyz", thread)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop()  # type: ignore[no-untyped-call]
            thread.join()


def _wait_until_ready(url: str, thread: Thread) -> None:
    """Ask until the service answers."""
    while thread.is_alive():
        try:
            urllib.request.urlopen(url).close()
            return
        except URLError:
            time.sleep(0.05)
    raise RuntimeError("the service ended before it was ready")


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG for a page of HTML, in the page's text colour and no wider than the page."""
    file = StringIO()
    figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = file.getvalue()
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    label = escape("; ".join(dict.fromkeys(filter(None, titles))))
    head = f'<svg role="img" aria-label="{label}" style="max-width: 100%; height: auto"'
    svg = svg[svg.index("<svg") :].replace("<svg", head, 1).replace(INK, "currentColor")
    svg = svg.replace(">*{", '>svg[role="img"] *{')  # a style inside a page is the style of the whole page
    return re.sub(r"(font:[^;\"]*?)'[^;\"]*", r"\1sans-serif", svg)


def use_style() -> None:
    """Set the style of pictures and tables, and in a notebook draw figures by `to_svg`."""
    mpl.rcParams.update(STYLE)
    pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=4, tbl_rows=20)
    if "ipykernel" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        plt.switch_backend(plt.get_backend())  # now, because loading the backend forgets how figures are shown
        shell.display_formatter.formatters["image/png"].pop(Figure, None)
        shell.display_formatter.formatters["text/html"].for_type(Figure, to_svg)


use_style()
