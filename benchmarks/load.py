"""Measure the service under load: latency, capacity, a large catalog, start-up, kill -9, overload. About eight minutes.

    python benchmarks/load.py --data FOLDER [--model DIR] [--seconds 60]

Server and load generator share the machine. Needs `wrk` (Debian: apt-get install wrk) for the capacity. Requests are
for all users of the data in random order. Some lists come from the cache, others are computed; the tables give the
share.
"""

import argparse
import json
import random
import shutil
import signal
import tempfile
import time
from compileall import compile_dir
from itertools import cycle
from math import inf
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
from cinematrix.store.records import Rating, Store
from open_loop import Outcome
from results import markdown, put
from servers import START, Requests, Server, free_port, serving, shot, wrk

LARGE = 87_585
"""Movies of ml-32m."""
RATE, WRITES = 300, 30
"""Requests for lists, and ratings, per second."""
OVERLOADED, LATE = 15, 0.1
"""Seconds of overload; seconds from which an answer afterwards is late."""
ROUNDS = 3
"""Repetitions of the measurements of capacity, and beside imports; the median counts."""
REST = 5
"""Seconds without requests after which the memory of workers is measured; an idle server returns what lists took."""
ROWS = 20_000
"""Rows of an imported file: the maximum."""
CROWD, CROWD_RATINGS = 10_000, 20
"""Users of the store who aren't in the model, and ratings of each."""
SCENARIOS = ("mixed", "crowd", "beside_imports", "ceilings", "workers", "overload", "starts", "large")
"""Measurements in their order."""


def main() -> None:
    """Measure everything and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="trained before; default: train deep-mf now")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the mixed load")
    parser.add_argument("--only", choices=SCENARIOS, help="one measurement, which is printed and not written")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk isn't installed; apt-get install wrk")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        model = options.model or trained(options.data, scratch / "model")
        known = load(model).model.data
        if options.only:
            measure(options.only, model, known, scratch, options.seconds)
            return
        parts = [part for name in SCENARIOS[:-1] for part in measure(name, model, known, scratch, options.seconds)]
        sizes = [(options.data.name, model)]
        parts += large(scratch, sizes)
        parts.append(capacity(sizes, scratch))
    put(["## The service under load", *parts])


def measure(name: str, model: Path, known: TrainingData, scratch: Path, seconds: float) -> list[str]:
    """Run one measurement; return its tables and notes."""
    if name == "large":
        return large(scratch, [])
    if name in ("mixed", "crowd"):
        return (mixed if name == "mixed" else crowd)(model, known, scratch, seconds)
    scenarios = (beside_imports, ceilings, workers, overload, starts)
    return [{each.__name__: each for each in scenarios}[name](model, known, scratch)]


def trained(data: Path, folder: Path) -> Path:
    """Train `deep-mf` with its defaults on all ratings, save it, and return its folder."""
    dataset = read(data)
    save(DeepMF().fit(dataset.ratings, dataset.catalog), folder)
    return folder


def store(scratch: Path) -> str:
    """Return the URL of a new store."""
    return f"sqlite:///{tempfile.mkdtemp(dir=scratch)}/store.db"


def lists_of(known: TrainingData, at_most: int | None = None) -> Requests:
    """Return 20 requests for each user's list, in random order."""
    users = known.users.ids[:at_most].tolist()
    drawn = random.Random(1).sample(users * 20, 20 * len(users))
    return [["GET", f"/v1/users/{user}/recommendations", ""] for user in drawn]


def fill(server: Server, asked: Requests) -> dict[str, float]:
    """Request each list once; return the counts of lists so far."""
    for path in {path for _, path, _ in asked}:
        server.get(path)
    return server.lists()


def writes_of(known: TrainingData, users: list[int] | None = None) -> Requests:
    """Return some thousand ratings by random users (default: those of the data) of random movies."""
    rng, users, movies = random.Random(2), users or known.users.ids.tolist(), known.movies.ids.tolist()
    assert known.scale is not None
    levels = known.scale.levels().tolist()
    drawn = [(rng.choice(users), rng.choice(movies), rng.choice(levels)) for _ in range(5000)]
    return [["PUT", f"/v1/users/{user}/ratings/{movie}", json.dumps({"rating": stars})] for user, movie, stars in drawn]


def row(what: str, outcomes: list[Outcome], kept: str, bar: str) -> list[str]:
    """Return a row of a table of latencies."""
    ms = np.array([seconds for _, seconds, status, _ in outcomes if 200 <= status < 300] or [np.nan]) * 1000
    wrong = sum(not 200 <= status < 300 for _, _, status, _ in outcomes)
    p50, p99 = np.percentile(ms, [50, 99])
    return [what, f"{len(outcomes):,}", str(wrong), f"{p50:.1f}", f"{p99:.1f}", f"{ms.max():.0f}", kept, bar]


HEAD = ["open loop, Poisson arrivals", "requests", "errors", "p50 ms", "p99 ms", "longest ms", "lists cached", "bar"]


def hit_rate(server: Server, before: dict[str, float]) -> str:
    """Return the share of lists since `before` that came from the cache."""
    now = server.lists()
    made, kept = (now.get(how, 0) - before.get(how, 0) for how in ("made", "kept"))
    return f"{kept / max(made + kept, 1):.1%}"


def mixed(model: Path, known: TrainingData, scratch: Path, seconds: float) -> list[str]:
    """Measure lists and ratings together, after each list was requested once; and lists without a cache."""
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
        row("lists without the cache, 20 a second", made, "0 %", ""),
    ]
    print(rows, flush=True)
    note = (
        f"Over all {len(known.users)} users, each equally often and once before. A rating invalidates the user's "
        f"list, which is prefetched unless the next request is quicker. SQLite; {megabytes:.0f} MB resident afterwards."
    )
    return [markdown(HEAD, rows), note]


def crowd(model: Path, known: TrainingData, scratch: Path, seconds: float) -> list[str]:
    """Measure lists and ratings together for many users, of whom few have a list in the cache."""
    url, users = store(scratch), [10_000_000 + number for number in range(CROWD)]
    settle(url, known, users)
    rng = random.Random(3)
    asked = [["GET", f"/v1/users/{rng.choice(users)}/recommendations", ""] for _ in range(int(RATE * seconds * 1.2))]
    with serving(model, url) as server:
        before, begun = server.lists(), server.processor_seconds()
        found = shot(server.port, seconds, lists=(RATE, asked), ratings=(WRITES, writes_of(known, users)))
        share, cores = hit_rate(server, before), (server.processor_seconds() - begun) / seconds
    lists = found["lists"]
    answered = sum(status == 200 for _, _, status, _ in lists) / len(lists)
    rows = [
        row(f"lists, {RATE} a second, with", lists, share, f"{answered:.2%} answered; ≥ 99 %"),
        row("of these, those answered to the user before", repeated(lists, asked), "", "p99 ≤ 100"),
        row(f"ratings, {WRITES} a second", found["ratings"], "", "0 errors"),
    ]
    print(rows, flush=True)
    note = f"{CROWD:,} users with {CROWD_RATINGS} ratings each, in the store alone. The server used {cores:.2f} cores."
    return [markdown(HEAD, rows), note]


def repeated(lists: list[Outcome], asked: Requests) -> list[Outcome]:
    """Return the outcomes of requests that had been answered before, whose lists are kept unless a rating came."""
    answered: dict[str, float] = {}
    again = []
    for (_, path, _), outcome in zip(cycle(asked), sorted(lists), strict=False):
        due, seconds, status, _ = outcome
        if answered.get(path, inf) < due:
            again.append(outcome)
        elif status == 200:
            answered.setdefault(path, due + seconds)
    return again


def settle(url: str, known: TrainingData, users: list[int]) -> None:
    """Store ratings of new users: a part of the history of somebody in the data each."""
    assert known.scale is not None
    rng, scale, records = np.random.default_rng(4), known.scale, Store.open(url)
    ratings: list[Rating] = []
    records.fix_scale(scale)
    for user in users:
        history = known.history.take(rng.integers(0, len(known.users), 1))
        assert history.values is not None, "the data have ratings"
        for entry in rng.permutation(len(history.items))[:CROWD_RATINGS].tolist():
            movie, steps = known.movies.ids[history.items[entry]], history.values[entry] / scale.step
            ratings.append(Rating(str(user), str(movie), round(float(steps))))
    for start in range(0, len(ratings), ROWS):
        with records.write_transaction() as connection:
            records.rate(connection, ratings[start : start + ROWS])
    records.close()


def export_of(known: TrainingData) -> str:
    """Return a CSV in Letterboxd's form of maximum length: the catalog's movies, and unknown ones."""
    titled = zip(*(known.catalog.frame[column].to_list() for column in ("title", "year")), strict=True)
    films = [(title.replace('"', ""), year) for title, year in titled if title and year and title.isascii()]
    films += [(f"Untold {at}", 1990) for at in range(ROWS - len(films))]
    rows = (f'2023-01-02,"{title}",{year},u,{1 + at % 5}' for at, (title, year) in enumerate(films))
    return "\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows])


def beside_imports(model: Path, known: TrainingData, scratch: Path) -> str:
    """Measure lists while imported files are read all the time, and while none is, in turn."""
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
        row(f"files of {ROWS:,} rows, one begun every 2.5 s, without those refused (503)", middle["files"], "", ""),
    ]
    print(rows, flush=True)
    return markdown([f"median of {ROUNDS} rounds of 10 s", *HEAD[1:]], rows)


def in_turn(known: TrainingData, file: Path) -> str:
    """Write a script that makes wrk request the users' lists in turn; return its path."""
    paths = ",".join(json.dumps(path) for _, path, _ in lists_of(known)[: 5 * len(known.users)])
    file.write_text(f"local paths, at = {{{paths}}}, 0\nrequest = function()\n  at = at % #paths + 1\n"
                    '  return wrk.format("GET", paths[at])\nend\n', encoding="utf-8")  # fmt: skip
    return str(file)


def ceilings(model: Path, known: TrainingData, scratch: Path) -> str:
    """Measure the capacity of one process, beside an empty endpoint that sends as many bytes."""
    script = in_turn(known, scratch / "lists.lua")
    got: dict[str, list[float]] = {"kept": [], "empty": [], "made": [], "ms": []}
    with serving(model, store(scratch)) as warm, serving(model, store(scratch), "--keep-nothing") as anew:
        before = fill(warm, lists_of(known))
        body = warm.get(f"/v1/users/{known.users.ids[0]}/recommendations")
        (scratch / "body").write_bytes(body or b"")
        with serving("--same-as", scratch / "body") as empty:
            for _ in range(ROUNDS):
                for name, server in (("kept", warm), ("empty", empty), ("made", anew)):
                    begun = server.processor_seconds()
                    got[name].append(wrk(server.port, script, 5))
                got["ms"].append(1000 * (anew.processor_seconds() - begun) / (5 * got["made"][-1]))
        share = hit_rate(warm, before)
    kept, nothing, made = (median(got[name]) for name in ("kept", "empty", "made"))
    rows = [
        [
            f"lists of all users in turn, {share} cached",
            f"{kept:,.0f}",
            f"{kept / nothing:.2f}",
            "≥ 1,200 and ≥ 0.5",
        ],
        ["an empty FastAPI + Granian endpoint, same bytes", f"{nothing:,.0f}", "1", ""],
        ["lists without the cache", f"{made:,.0f}", f"{made / nothing:.2f}", "≥ 250"],
        ["processor time of each of these, of both cores", f"{median(got['ms']):.1f} ms", "", ""],
    ]
    print(rows, got, flush=True)
    head = f"wrk, 32 connections, median of {ROUNDS} rounds of 5 s"
    return markdown([head, "answers a second", "of the empty one", "bar"], rows)


def workers(model: Path, known: TrainingData, scratch: Path) -> str:
    """Measure computed lists a second and memory of one, two and four workers, in turn; each has 32 connections."""
    script, found = in_turn(known, scratch / "lists.lua"), {}
    for n in (1, 2, 4):
        with serving(model, store(scratch), "--keep-nothing", "--workers", n) as server:
            rate = median(wrk(server.port, script, 5, 32 * n) for _ in range(ROUNDS))
            time.sleep(REST)
            found[n] = rate, server.shared_megabytes()
    rows = [
        [str(n), f"{rate:,.0f}", f"{rate / found[1][0]:.2f}", f"{memory:,.0f} MB", f"{memory / found[1][1]:.2f}"]
        for n, (rate, memory) in found.items()
    ]
    print(rows, flush=True)
    return markdown(
        [
            "workers, 32 connections each",
            "lists a second, computed",
            "of one (two: ≥ 1.7)",
            "memory",
            "of one (four: ≤ 1.6)",
        ],
        rows,
    )


def overload(model: Path, known: TrainingData, scratch: Path) -> str:
    """Request four times the capacity, then a tenth: measure answers, refusals, and the time to recover."""
    asked = lists_of(known)
    with serving(model, store(scratch), "--keep-nothing") as server:
        script = in_turn(known, scratch / "lists.lua")
        ceiling = median(wrk(server.port, script, 4) for _ in range(ROUNDS))
        found = shot(
            server.port, OVERLOADED, lists=(4 * ceiling, asked), ratings=(0.4 * ceiling, writes_of(known)),
            livez=(10, [["GET", "/livez", ""]]),
        )  # fmt: skip
        after = shot(server.port, 8, lists=(ceiling / 10, asked))["lists"]
    by_status = {status: [each for each in found["lists"] if each[2] == status] for status in (200, 503)}
    served, refused = (len(by_status[status]) / OVERLOADED for status in (200, 503))
    with_retry = sum(retry for *_, retry in by_status[503]) / max(len(by_status[503]), 1)
    late = [due for due, seconds, status, _ in after if status != 200 or seconds > LATE]
    kept = [each for each in found["ratings"] if each[2] in (200, 201)]
    rows = [
        ["ratings kept, one for ten lists", f"{len(kept) / len(found['ratings']):.2%}", "≥ 99.9 %"],
        ["p99 of these", f"{p99(kept):.0f} ms", "≤ 200 ms"],
        [
            "lists answered",
            f"{served:,.0f} a second, {served / ceiling:.0%} of the capacity of {ceiling:,.0f}",
            "≥ 90 %",
        ],
        ["p99 of these", f"{p99(by_status[200]):.0f} ms", ""],
        ["503 with Retry-After", f"{refused:,.0f} a second, {with_retry:.0%} of the refusals", "100 %"],
        ["p99 of these", f"{p99(by_status[503]):.0f} ms", "early"],
        ["neither", str(len(found["lists"]) - sum(map(len, by_status.values()))), "0"],
        ["`/livez` meanwhile, p99", f"{p99(found['livez']):.0f} ms", "< 100 ms"],
        [f"last answer over {LATE:g} s or refused, after", f"{max(late, default=0):.1f} s at a tenth", "≤ 5 s"],
    ]
    print(rows, flush=True)
    return markdown([f"4 × the capacity without the cache, for {OVERLOADED} s", "measured", "bar"], rows)


def p99(outcomes: list[Outcome]) -> float:
    """Return the 99th percentile of the latencies in milliseconds."""
    return float(np.percentile([seconds for _, seconds, _, _ in outcomes] or [0.0], 99)) * 1000


def starts(model: Path, known: TrainingData, scratch: Path) -> str:
    """Measure the time to the first list, memory after 300 users' lists, and the time to recover from kill -9.

    Bytecode is compiled before, as by `pip install`. The kill comes amid writes.
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
"""The data set of a model, and the model's folder."""


def large(scratch: Path, sizes: list[Size]) -> list[str]:
    """Measure lists from a catalog of the size of ml-32m; add it, and one with many users, to `sizes`."""
    for name, users, movies, ratings in (("many users", 20_000, 9_724, 1_000_000), ("large", 6_000, LARGE, 600_000)):
        sizes.append(("simulated", shaped(scratch / name, users, movies, ratings)))
    model = sizes[-1][1]
    return measured_large(model, load(model).model.data, scratch)


def shaped(folder: Path, users: int, movies: int, ratings: int) -> Path:
    """Train a model of simulated ratings briefly, just for its size; return its folder."""
    simulate(SimulationSettings(users=users, movies=movies, ratings=ratings), folder / "data", format="parquet")
    dataset = read(folder / "data")
    model = DeepMF(DeepMFSettings(epochs=1, ranking_epochs=1, two_stage=False)).fit(dataset.ratings, dataset.catalog)
    save(model, folder / "model")
    return folder / "model"


def capacity(sizes: list[Size], scratch: Path) -> str:
    """Measure disk, memory and time of a server of each model; each list is computed, one at a time."""
    rows = []
    for name, model in sizes:
        known, port = load(model).model.data, free_port()
        users = known.users.ids[:300].tolist()
        server = Server([*START, str(model), "--db", store(scratch), "--port", str(port)], port)
        ready, lists = server.until("/readyz"), []
        server.until_idle()
        worked = server.processor_seconds()
        for user in users:
            begun = time.perf_counter()
            assert server.get(f"/v1/users/{user}/recommendations")
            lists.append(time.perf_counter() - begun)
        worked = server.processor_seconds() - worked
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
                f"{1000 * worked / len(users):.1f} ms",
            ]
        )
    print(rows, flush=True)
    head = ["`deep-mf` of", "users × movies", "ratings", "on the disk", "in memory", "peak", "ready after"]
    return markdown([*head, f"a list computed, median of {len(users)}", "processor time of a list"], rows)


def measured_large(model: Path, known: TrainingData, scratch: Path) -> list[str]:
    """Return the tables of the large catalog."""
    some = lists_of(known, 610)
    with serving(model, store(scratch)) as server:
        made = shot(server.port, 15, lists=(5, lists_of(known)))["lists"]
        before = fill(server, some)
        found = shot(server.port, 20, lists=(100, some), ratings=(3, writes_of(known)))["lists"]
        share, megabytes = hit_rate(server, before), server.megabytes()
    rows = [
        row("lists of 610 users, 100 a second, beside 3 ratings a second", found, share, "p99 ≤ 100"),
        row(f"lists of {len(known.users):,} users, 5 a second, computed", made, "few", ""),
    ]
    print(rows, flush=True)
    return [markdown([f"{len(known.movies):,} movies", *HEAD[1:]], rows), f"{megabytes:.0f} MB resident."]


if __name__ == "__main__":
    main()
