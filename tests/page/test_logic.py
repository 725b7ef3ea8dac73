"""Tests of the page's logic in Node: words of titles, random picks, and the list of own films."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cinematrix
from cinematrix.data.title_words import title_words

PARTS = Path(cinematrix.__file__).parent / "page" / "parts"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node isn't here")

TITLES = [
    "Colour of Money, The", "Guardians of the Galaxy Vol. II", "Three Colours: Red", "Amélie (Le Fabuleux destin)",
    "L'Avventura", "WALL·E", "8½", "Men in Black III (a.k.a. MIIB)", "Dr. Strangelove & Mr. Hyde", "Æon Flux", "Se7en",
    "Straße", "Пила", "七人の侍", "ガラスの仮面", "Part 2", "part", "Kill Bill: Vol. 1", "$9.99", "Batman v Superman",
    "X2", "Ocean’s Eleven", "City of Lost Children, The (Cité des enfants perdus, La)", "Øystein's Łódź",
    "Theatre of Grey", "", "<img src=x>", "\u202egnp.exe", "Mission: Impossible – Ghost Protocol", "½ Nelson",
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run a script that imports parts of the page, and return the JSON that it prints."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name in ("own-films", "picks", "title-words"):
        shutil.copy(PARTS / f"{name}.js", tmp_path)

    def call(script: str) -> Any:
        (tmp_path / "script.js").write_text(script, "utf-8")
        assert NODE
        done = subprocess.run([NODE, "script.js"], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


def test_titles_have_the_words_of_the_servers_search(run: Any) -> None:
    """Each title has the same words in the browser as on the server."""
    words = run(f"""import {{ titleWords }} from "./title-words.js";
        console.log(JSON.stringify({json.dumps(TITLES)}.map(titleWords)));""")
    assert dict(zip(TITLES, words, strict=True)) == {title: title_words(title) for title in TITLES}


def test_picks_come_by_their_stars_and_not_twice(run: Any) -> None:
    """Half a star doubles the chance of the first pick; all films come before one is repeated, never twice in a row."""
    first, rounds, none, only = run("""import { PickOrder } from "./picks.js";
        const films = [5, 4.5, 4].map((stars, movie) => ({ movie, stars }));
        let state = 7;
        const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
        const first = Array.from({ length: 7000 }, () => new PickOrder(random).next(films).movie);
        const order = new PickOrder(random);
        const rounds = Array.from({ length: 300 }, () => order.next(films).movie);
        const [none, only] = [order.next([]), order.next(films.slice(0, 1)).movie];
        console.log(JSON.stringify([first, rounds, none, only]));""")
    assert (none, only) == (None, 0)
    np.testing.assert_allclose(np.bincount(first) / 7000, np.array([4, 2, 1]) / 7, atol=0.02)
    assert all({*rounds[at : at + 3]} == {0, 1, 2} for at in range(0, 300, 3))
    assert all(one != other for one, other in pairwise(rounds))


def test_own_films_are_merged_sorted_and_dated(run: Any) -> None:
    """A liked film is one row; films without the value are last in both directions; an import's day is that in UTC."""
    result = run("""process.env.TZ = "America/Los_Angeles";
        const { dayOf, months, ownFilms, select, sort } = await import("./own-films.js");
        const of = (rows) => new Map(rows.map((row) => [row.movie, row]));
        const history = { plain: false, ratings: of([{ movie: 1, title: "The Ant", rating: 4, time: 1705276800 },
            { movie: 2, title: "Bee", rating: 2, time: 1705300000, undated: "csv" }]),
          hidden: of([{ movie: 3, title: "Cat", kind: "seen", time: 0 },
            { movie: 4, title: "Dog", kind: "not_interested", time: 5 }]),
          likes: of([{ movie: 1, title: "The Ant", time: 9 }]) };
        const films = ownFilms(history, new Map([[1, 3.5], [2, null]]));
        const ids = (all) => all.map(({ movie }) => movie);
        const orders = (name) => [true, false].map((down) => ids(sort(films, name, down)));
        console.log(JSON.stringify({
          kinds: films.map(({ kinds }) => kinds), days: films.map(({ day }) => day), evening: dayOf(1705390200),
          orders: ["date", "stars", "title", "apart"].map(orders),
          found: ["an", "the a", "ee", ""].map((query) => ids(select(films, "", query))),
          liked: ids(select(films, "liked", "")),
          months: months(films).map(([month, own]) => [month, ids(own)]) }));""")
    assert result == {
        "kinds": [["rated", "liked"], ["rated"], ["seen"], ["refused"]],
        "days": ["2024-01-15", None, None, "1969-12-31"],
        "evening": "2024-01-15",
        "orders": [
            [[2, 1, 4, 3], [4, 1, 2, 3]],
            [[1, 2, 3, 4], [2, 1, 3, 4]],
            [[4, 3, 2, 1], [1, 2, 3, 4]],
            [[1, 2, 3, 4], [1, 2, 3, 4]],
        ],
        "found": [[1], [1], [], [1, 2, 3, 4]],
        "liked": [1],
        "months": [["2024-01", [1]]],
    }
