"""The service under load: latency, ceiling, a large catalog, start-up, kill -9 and overload. About eight minutes.

    python benchmarks/load.py --data FOLDER [--model DIR] [--seconds 60]

Server and load share the machine. Needs `wrk` (Debian: apt-get install wrk) for the ceiling. Requests go over all users
of the data in an order drawn at random. Some lists are kept from before, others made; the tables say how many.
"""

import argparse
import json
import random
import shutil
import signal
import tempfile
import time
from compileall import compile_dir
from pathlib import Path
from statistics import median

import numpy as np

import cinematrix
from cinematrix.data.readers import read
from cinematrix.data.simulate import SimulationSettings, simulate
from cinematrix.data.training_data import TrainingData
from cinematrix.models.artifact import load, save
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from open_loop import Outcome
from results import markdown, put
from servers import START, Requests, Server, free_port, serving, shot, wrk

LARGE = 87_585
"""Movies of ml-32m."""
RATE, WRITES = 300, 30
OVERLOADED, LATE = 15, 0.1
"""Seconds."""
ROUNDS = 3
"""Of the ceilings and of the time beside imports, in turn; the median counts."""
ROWS = 20_000
"""Of an imported file: as many as one may have."""


def main() -> None:
    """Measure all of it and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="trained before; default: train deep-mf now")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the mixed load")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk isn't there; apt-get install wrk")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        model = options.model or trained(options.data, scratch / "model")
        known = load(model).model.data
        parts = mixed(model, known, scratch, options.seconds)
        parts += [scenario(model, known, scratch) for scenario in (beside_imports, ceilings, overload, starts)]
        sizes = [(options.data.name, model)]
        parts += large(scratch, sizes)
        parts.append(capacity(sizes, scratch))
    put(["## The service under load", *parts])


def trained(data: Path, folder: Path) -> Path:
    """`deep-mf` with its defaults, on all ratings."""
    dataset = read(data)
    save(DeepMF().fit(dataset.ratings, dataset.catalog), folder)
    return folder


def store(scratch: Path) -> str:
    """The URL of a new store."""
    return f"sqlite:///{tempfile.mkdtemp(dir=scratch)}/store.db"


def lists_of(known: TrainingData, at_most: int | None = None) -> Requests:
    """A request for each user's list, 20 times, in random order."""
    users = known.users.ids[:at_most].tolist()
    drawn = random.Random(1).sample(users * 20, 20 * len(users))
    return [["GET", f"/v1/users/{user}/recommendations", ""] for user in drawn]


def fill(server: Server, asked: Requests) -> dict[str, float]:
    """Ask for each list once; how many were made and kept until then."""
    for path in {path for _, path, _ in asked}:
        server.get(path)
    return server.lists()


def writes_of(known: TrainingData) -> Requests:
    """A thousand ratings by random users of random movies."""
    rng, users, movies = random.Random(2), known.users.ids.tolist(), known.movies.ids.tolist()
    assert known.scale is not None
    levels = known.scale.levels().tolist()
    drawn = [(rng.choice(users), rng.choice(movies), rng.choice(levels)) for _ in range(1000)]
    return [["PUT", f"/v1/users/{user}/ratings/{movie}", json.dumps({"rating": stars})] for user, movie, stars in drawn]


def row(what: str, outcomes: list[Outcome], kept: str, bar: str) -> list[str]:
    """A line of a table of latencies."""
    ms = np.array([seconds for _, seconds, status, _ in outcomes if 200 <= status < 300] or [np.nan]) * 1000
    wrong = sum(not 200 <= status < 300 for _, _, status, _ in outcomes)
    p50, p99 = np.percentile(ms, [50, 99])
    return [what, f"{len(outcomes):,}", str(wrong), f"{p50:.1f}", f"{p99:.1f}", f"{ms.max():.0f}", kept, bar]


HEAD = ["open loop, Poisson arrivals", "requests", "errors", "p50 ms", "p99 ms", "longest ms", "lists kept", "bar"]


def hit_rate(server: Server, before: dict[str, float]) -> str:
    """The share of lists since `before` that were kept ones."""
    now = server.lists()
    made, kept = (now.get(how, 0) - before.get(how, 0) for how in ("made", "kept"))
    return f"{kept / max(made + kept, 1):.1%}"


def mixed(model: Path, known: TrainingData, scratch: Path, seconds: float) -> list[str]:
    """Lists and ratings side by side, once each list was asked for; and lists that are all made for their answer."""
    asked = lists_of(known)
    with serving(model, store(scratch)) as server:
        before = fill(server, asked)
        found = shot(server.port, seconds, lists=(RATE, asked), ratings=(WRITES, writes_of(known)))
        share, megabytes = hit_rate(server, before), server.megabytes()
    with serving(model, store(scratch), "--keep-nothing") as server:
        made = shot(server.port, seconds / 4, lists=(20, asked))["lists"]
    rows = [
        row(f"lists, {RATE} a second, with", found["lists"], share, "p50 ≤ 10, p99 ≤ 50, 0 errors"),
        row(f"ratings, {WRITES} a second", found["ratings"], "", "0 errors"),
        row("lists all made anew, 20 a second", made, "0 %", ""),
    ]
    print(rows, flush=True)
    note = (
        f"Over all {len(known.users)} users, each equally often and once before; a rating makes her list a new "
        f"one, ahead of her asking for it unless she is quicker. SQLite; {megabytes:.0f} MB resident afterwards."
    )
    return [markdown(HEAD, rows), note]


def export_of(known: TrainingData) -> str:
    """A CSV as Letterboxd writes it, as long as it may be: all films that can be written so, and others."""
    titled = zip(*(known.catalog.frame[column].to_list() for column in ("title", "year")), strict=True)
    films = [(title.replace('"', ""), year) for title, year in titled if title and year and title.isascii()]
    films += [(f"Untold {at}", 1990) for at in range(ROWS - len(films))]
    rows = (f'2023-01-02,"{title}",{year},u,{1 + at % 5}' for at, (title, year) in enumerate(films))
    return "\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows])


def beside_imports(model: Path, known: TrainingData, scratch: Path) -> str:
    """Lists while somebody's file is read at any moment, and while none is, in turn."""
    asked, export = lists_of(known), export_of(known)
    file = [["POST", "/v1/imports?name=ratings.csv", export]]
    got: dict[str, list[list[Outcome]]] = {"alone": [], "beside": [], "files": []}
    with serving(model, store(scratch)) as server:
        fill(server, asked)
        shot(server.port, 2, imports=(1, file))
        for _ in range(ROUNDS):
            got["alone"].append(shot(server.port, 10, lists=(RATE, asked))["lists"])
            found = shot(server.port, 10, lists=(RATE, asked), imports=(0.4, file))
            got["beside"].append(found["lists"])
            got["files"].append([each for each in found["imports"] if each[2] != 503])
    middle = {name: sorted(rounds, key=p99)[ROUNDS // 2] for name, rounds in got.items()}
    times = p99(middle["beside"]) / p99(middle["alone"])
    rows = [
        row(f"lists, {RATE} a second, alone", middle["alone"], "", ""),
        row("lists beside imports", middle["beside"], "", f"p99 {times:.1f} of that alone; ≤ 2"),
        row(
            f"files of {ROWS:,} rows, one begun every 2.5 s, but for those told to come again", middle["files"], "", ""
        ),
    ]
    print(rows, flush=True)
    return markdown([f"median of {ROUNDS} rounds of 10 s", *HEAD[1:]], rows)


def in_turn(known: TrainingData, file: Path) -> str:
    """A script that makes wrk ask for the users' lists in turn."""
    paths = ",".join(json.dumps(path) for _, path, _ in lists_of(known)[: 5 * len(known.users)])
    file.write_text(f"local paths, at = {{{paths}}}, 0\nrequest = function()\n  at = at % #paths + 1\n"
                    '  return wrk.format("GET", paths[at])\nend\n', encoding="utf-8")  # fmt: skip
    return str(file)


def ceilings(model: Path, known: TrainingData, scratch: Path) -> str:
    """What one process answers at most, beside an empty endpoint that sends as many bytes."""
    script = in_turn(known, scratch / "lists.lua")
    got: dict[str, list[float]] = {"kept": [], "empty": [], "made": []}
    with serving(model, store(scratch)) as warm, serving(model, store(scratch), "--keep-nothing") as anew:
        before = fill(warm, lists_of(known))
        body = warm.get(f"/v1/users/{known.users.ids[0]}/recommendations")
        (scratch / "body").write_bytes(body or b"")
        with serving("--same-as", scratch / "body") as empty:
            for _ in range(ROUNDS):
                for name, server in (("kept", warm), ("empty", empty), ("made", anew)):
                    got[name].append(wrk(server.port, script, 5))
        share = hit_rate(warm, before)
    kept, nothing, made = (median(got[name]) for name in ("kept", "empty", "made"))
    rows = [
        [f"lists of all users in turn, {share} kept", f"{kept:,.0f}", f"{kept / nothing:.2f}", "≥ 1,200 and ≥ 0.5"],
        ["an empty FastAPI + Granian endpoint, same bytes", f"{nothing:,.0f}", "1", ""],
        ["lists all made anew", f"{made:,.0f}", f"{made / nothing:.2f}", ""],
    ]
    print(rows, got, flush=True)
    head = f"wrk, 32 connections, median of {ROUNDS} rounds of 5 s"
    return markdown([head, "answers a second", "of the empty one", "bar"], rows)


def overload(model: Path, known: TrainingData, scratch: Path) -> str:
    """Four times more lists than can be made, then a tenth: who is served, how the rest are told, when it is over."""
    asked = lists_of(known)
    with serving(model, store(scratch), "--keep-nothing") as server:
        script = in_turn(known, scratch / "lists.lua")
        ceiling = median(wrk(server.port, script, 4) for _ in range(ROUNDS))
        found = shot(server.port, OVERLOADED, lists=(4 * ceiling, asked), livez=(10, [["GET", "/livez", ""]]))
        after = shot(server.port, 8, lists=(ceiling / 10, asked))["lists"]
    by_status = {status: [each for each in found["lists"] if each[2] == status] for status in (200, 503)}
    served, refused = (len(by_status[status]) / OVERLOADED for status in (200, 503))
    told = sum(retry for *_, retry in by_status[503]) / max(len(by_status[503]), 1)
    late = [due for due, seconds, status, _ in after if status != 200 or seconds > LATE]
    rows = [
        ["answered", f"{served:,.0f} a second, {served / ceiling:.0%} of the ceiling of {ceiling:,.0f}", "≥ 90 %"],
        ["p99 of these", f"{p99(by_status[200]):.0f} ms", ""],
        ["503 with Retry-After", f"{refused:,.0f} a second, {told:.0%} of the refusals", "100 %"],
        ["p99 of these", f"{p99(by_status[503]):.0f} ms", "early"],
        ["neither", str(len(found["lists"]) - sum(map(len, by_status.values()))), "0"],
        ["`/livez` meanwhile, p99", f"{p99(found['livez']):.0f} ms", "< 100 ms"],
        [f"last answer over {LATE:g} s or refused, after", f"{max(late, default=0):.1f} s at a tenth", "≤ 5 s"],
    ]
    print(rows, flush=True)
    return markdown([f"4 × the lists that can be made, for {OVERLOADED} s", "measured", "bar"], rows)


def p99(outcomes: list[Outcome]) -> float:
    """Of the latencies, in milliseconds."""
    return float(np.percentile([seconds for _, seconds, _, _ in outcomes] or [0.0], 99)) * 1000


def starts(model: Path, known: TrainingData, scratch: Path) -> str:
    """From the command to the first list, memory after every user's list, and ready again after kill -9 amid writes.

    With bytecode beside the modules, as `pip install` leaves it.
    """
    compile_dir(str(Path(cinematrix.__file__).parent), quiet=1)
    first, ready, megabytes = [], [], []
    asked, url = f"/v1/users/{known.users.ids[0]}/recommendations", store(scratch)
    for _ in range(5):
        port = free_port()
        server = Server([*START, str(model), "--db", url, "--port", str(port)], port)
        first.append(server.until(asked))
        for user in known.users.ids[:300].tolist():
            server.get(f"/v1/users/{user}/recommendations")
        megabytes.append(server.megabytes())
        shot(port, 1, ratings=(WRITES, writes_of(known)))
        server.end(signal.SIGKILL)
        again = Server([*START, str(model), "--db", url, "--port", str(port)], port)
        ready.append(again.until("/readyz"))
        again.end()
    rows = [
        ["start to the first list", f"{median(first):.2f} s (longest {max(first):.2f})", "≤ 1.5 s"],
        ["resident after 300 users' lists", f"{max(megabytes):.0f} MB", "≤ 300 MB"],
        ["ready after kill -9", f"{median(ready):.2f} s (longest {max(ready):.2f})", "≤ 3 s"],
    ]
    print(rows, flush=True)
    return markdown(["`cinematrix serve`, five times", "measured", "bar"], rows)


Size = tuple[str, Path]
"""What a model learned from, and where it is."""


def large(scratch: Path, sizes: list[Size]) -> list[str]:
    """Lists from a catalog of the size of ml-32m; adds it, and one of many users, to `sizes`."""
    for name, users, movies, ratings in (("many users", 20_000, 9_724, 1_000_000), ("large", 6_000, LARGE, 600_000)):
        sizes.append(("simulated", shaped(scratch / name, users, movies, ratings)))
    model = sizes[-1][1]
    return measured_large(model, load(model).model.data, scratch)


def shaped(folder: Path, users: int, movies: int, ratings: int) -> Path:
    """A model of simulated ratings, trained just long enough to have its shape."""
    simulate(SimulationSettings(users=users, movies=movies, ratings=ratings), folder / "data", format="parquet")
    dataset = read(folder / "data")
    model = DeepMF(DeepMFSettings(epochs=1, ranking_epochs=1, two_stage=False)).fit(dataset.ratings, dataset.catalog)
    save(model, folder / "model")
    return folder / "model"


def capacity(sizes: list[Size], scratch: Path) -> str:
    """What a server of each model takes of disk, memory and time; each list is made, one at a time."""
    rows = []
    for name, model in sizes:
        known, port = load(model).model.data, free_port()
        users = known.users.ids[:300].tolist()
        server = Server([*START, str(model), "--db", store(scratch), "--port", str(port)], port)
        ready, lists = server.until("/readyz"), []
        for user in users:
            begun = time.perf_counter()
            assert server.get(f"/v1/users/{user}/recommendations")
            lists.append(time.perf_counter() - begun)
        disk = sum(file.stat().st_size for file in model.iterdir()) / 1e6
        peak, now = server.megabytes("VmHWM"), server.megabytes()
        server.end()
        sides = f"{len(known.users):,} × {len(known.movies):,}"
        sizes_mb = (f"{megabytes:,.0f} MB" for megabytes in (disk, now, peak))
        rows.append(
            [
                name,
                sides,
                f"{len(known.history.items):,}",
                *sizes_mb,
                f"{ready:.1f} s",
                f"{1000 * median(lists):.1f} ms",
            ]
        )
    print(rows, flush=True)
    head = ["`deep-mf` of", "users × movies", "ratings", "on the disk", "in memory", "at most", "ready after"]
    return markdown([*head, f"a list made, median of {len(users)}"], rows)


def measured_large(model: Path, known: TrainingData, scratch: Path) -> list[str]:
    """The tables of it."""
    some = lists_of(known, 610)
    with serving(model, store(scratch)) as server:
        made = shot(server.port, 15, lists=(5, lists_of(known)))["lists"]
        before = fill(server, some)
        found = shot(server.port, 20, lists=(100, some), ratings=(3, writes_of(known)))["lists"]
        share, megabytes = hit_rate(server, before), server.megabytes()
    rows = [
        row("lists of 610 users, 100 a second, beside 3 ratings a second", found, share, "p99 ≤ 100"),
        row(f"lists of {len(known.users):,} users, 5 a second, made anew", made, "few", ""),
    ]
    print(rows, flush=True)
    return [markdown([f"{len(known.movies):,} movies", *HEAD[1:]], rows), f"{megabytes:.0f} MB resident."]


if __name__ == "__main__":
    main()
