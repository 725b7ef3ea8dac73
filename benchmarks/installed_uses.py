"""The smallest real work of each extra, in an environment where it is installed."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from servers import serving_model

FLAGSHIP = 'cx.model("deep-mf", preset="fast", seed=1)'
"""Model of the quick tour."""

OTHER_MODEL = """
import sys
from importlib.resources import files
tour = (files("cinematrix") / "quick_tour.py").read_text("utf-8")
assert sys.argv[1] in tour
exec(compile(tour.replace(*sys.argv[1:]), "quick_tour.py", "exec"))
"""
"""Program that runs the quick tour with another model."""


@dataclass(frozen=True)
class Environment:
    """Environment with an installed wheel.

    Attributes:
        programs: folder of its programs.
        folder: folder with ratings.csv, where programs run.
    """

    programs: Path
    folder: Path

    @property
    def python(self) -> Path:
        """Python of the environment."""
        return self.programs / "python"

    @property
    def version(self) -> str:
        """Version of Python."""
        return self.run(str(self.python), "--version").split()[1]

    def run(self, *command: str) -> str:
        """Run a command and return its output; if it fails, end with all that it printed."""
        done = self.attempt(*command)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command, which may fail."""
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def cinematrix(self, *words: str) -> str:
        """Run the command line and return its output."""
        return self.run(str(self.programs / "cinematrix"), *words)

    def examine(self, *checks: str) -> None:
        """Let `cinematrix doctor` check the model of the tour and extras: all must be fine."""
        seen = self.cinematrix("doctor", "model")
        for check in ("Python", "packages", "model", *checks):
            assert re.search(rf"^✓ {check}:", seen, re.MULTILINE), seen


def tour(environment: Environment) -> str:
    """Run the quick tour as it stands."""
    check_tour(environment, environment.run(str(environment.python), "-m", "cinematrix.quick_tour"))
    environment.examine("train")
    return "the quick tour"


def tour_with(environment: Environment, model: str) -> str:
    """Run the quick tour with a model that needs no PyTorch; as it stands, it says what to install."""
    ended = environment.attempt(str(environment.python), "-m", "cinematrix.quick_tour")
    assert "pip install 'cinematrix[train]'" in ended.stderr.splitlines()[-1], ended.stderr
    change = [FLAGSHIP, f'cx.model("{model}", seed=1)']
    check_tour(environment, environment.run(str(environment.python), "-c", OTHER_MODEL, *change))
    return f"the quick tour with `{model}`"


def check_tour(environment: Environment, shown: str) -> None:
    """Check that a tour measured the model and saved it."""
    assert "Split: global time split" in shown, shown
    assert (environment.folder / "model" / "model.json").is_file()


def plain(environment: Environment) -> str:
    """Run the quick tour with a model of NumPy."""
    seen = tour_with(environment, "als")
    environment.examine()
    return seen


def train_without_torch(environment: Environment) -> str:
    """Run the quick tour with a model that Numba trains."""
    seen = tour_with(environment, "svd")
    return f"{seen}, which Numba trains; `deep-mf` can't be tried here, as PyTorch comes with gigabytes of CUDA"


def tune(environment: Environment) -> str:
    """Search for settings."""
    seen = tour_with(environment, "als")
    found = json.loads(environment.cinematrix("tune", "ratings.csv", "--model", "als", "--trials", "3", "--json"))
    assert found["measure"] == "rmse", found
    environment.examine("tune")
    return f"{seen}; `tune --model als`, 3 trials"


def serve(environment: Environment) -> str:
    """Serve a model; rate a movie and get a list without it."""
    seen = tour_with(environment, "als")
    with serving(environment) as address:
        check_lists(address)
    environment.examine("serve")
    return f"{seen}; `serve`: a rating, and the list that follows it"


def trace(environment: Environment) -> str:
    """Serve a model that sends its traces to a collector."""
    tour_with(environment, "als")
    with collecting() as (endpoint, received), serving(environment, "--otel-endpoint", endpoint) as address:
        check_lists(address)
    assert any(b"/v1/users/{user}/recommendations" in body for body in received), received
    environment.examine("serve", "otel")
    return "`serve --otel-endpoint`: spans of a list reached a collector"


def spread(environment: Environment) -> str:
    """Make everybody's lists on a Ray cluster of this machine."""
    seen = tour_with(environment, "als")
    environment.cinematrix("recommend", "model", "--all", "--out", "lists.csv", "--on", "ray")
    assert len((environment.folder / "lists.csv").read_text("utf-8").splitlines()) > 60
    environment.examine("cluster")
    return f"{seen}; `recommend --all --on ray`"


def store(environment: Environment) -> str:
    """Train on a table that fsspec opens."""
    seen = tour_with(environment, "als")
    write = "import polars; polars.read_csv('ratings.csv').write_parquet('ratings.parquet')"
    environment.run(str(environment.python), "-c", write)
    environment.cinematrix("train", "local://ratings.parquet", "--model", "als", "--out", "stored")
    environment.examine("storage")
    return f"{seen}; `train` on a table that fsspec opens"


def write_notebook(environment: Environment) -> str:
    """Execute the quick tour as a notebook that is text, with its results as tables."""
    program = "from importlib.resources import files; print((files('cinematrix') / 'quick_tour.py').read_text('utf-8'))"
    code = environment.run(str(environment.python), "-c", program).replace(FLAGSHIP, 'cx.model("als", seed=1)')
    text = f"```python\n{code}\n```\n\n```python\nmodel.recommend(user=42, n=10)\n```\n"
    (environment.folder / "notebook.md").write_text(text, encoding="utf-8")
    command = [str(environment.programs / "jupytext"), "--set-kernel", "python3", "--execute", "--to", "ipynb"]
    environment.run(*command, "notebook.md")
    cells = json.loads((environment.folder / "notebook.ipynb").read_text("utf-8"))["cells"]
    assert "text/html" in cells[-1]["outputs"][0]["data"], cells
    environment.run(str(environment.programs / "jupyter"), "lab", "--version")
    return "the quick tour with `als` as a notebook, by Jupytext"


USES = {
    "none": plain,
    "train": tour,
    "tune": tune,
    "serve": serve,
    "cluster": spread,
    "storage": store,
    "otel": trace,
    "notebook": write_notebook,
}
"""The use of each extra, a function that returns a sentence about what it did."""


@contextmanager
def serving(environment: Environment, *options: str) -> Iterator[str]:
    """Serve the tour's model by the environment's program; the value is the address."""
    start = [str(environment.programs / "cinematrix"), "serve"]
    with serving_model(environment.folder / "model", "--new-users", "1", *options, start=start) as address:
        yield address


def check_lists(address: str) -> None:
    """Rate a movie for a new user; their list then is without it."""
    ask("PUT", f"{address}/v1/users/9001/ratings/318", {"rating": 5})
    listed = ask("GET", f"{address}/v1/users/9001/recommendations?n=5")["items"]
    assert len(listed) == 5, listed
    assert 318 not in [each["movie"] for each in listed], listed


def ask(method: str, address: str, body: Any = None) -> Any:
    """Send a request and return the parsed answer."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request) as answer:
        return json.load(answer)


@contextmanager
def collecting() -> Iterator[tuple[str, list[bytes]]]:
    """Run a collector of traces; the value is its address and the list of bodies that it gets."""
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
        finally:
            server.shutdown()
            thread.join()
