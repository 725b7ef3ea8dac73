"""Facts of movies: their columns, filters by them, and people: `cinematrix.data.movie_facts` and its readers."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.api.data import read
from cinematrix.data.bundle import fingerprint_data
from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import IdMap
from cinematrix.data.movie_facts import FactFilter, MovieFacts
from cinematrix.data.people import People
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.facts import parse_minutes
from cinematrix.data.readers.languages import language_code
from cinematrix.errors import SettingError
from facts_world import gathered

CSV = """movieId,title,runtimeMinutes,language,originalTitle,director,actors,contentRating
1,Seven Samurai (1954),3h 27min,Japanese,七人の侍,Akira Kurosawa,"Toshirō Mifune, Takashi Shimura",PG-12
2,Cléo from 5 to 7 (1962),90,fr-FR|en,Cléo de 5 à 7,Agnès Varda,"[{""name"": ""Corinne Marchand""}]",
3,Stalker (1979),PT162M,ru,Сталкер,Андрей Тарковский,,
4,Unknown (2000),\\N,,,,,
5,Odd (2001),long,Klingon,Odd,,,
"""
"""Movies with facts in several notations."""

FACTS = [
    (207, ["ja"], "七人の侍", ["Akira Kurosawa"], ["Toshirō Mifune", "Takashi Shimura"], "PG-12"),
    (90, ["fr", "en"], "Cléo de 5 à 7", ["Agnès Varda"], ["Corinne Marchand"], None),
    (162, ["ru"], "Сталкер", ["Андрей Тарковский"], [], None),
    (None, [], None, [], [], None),
    (None, ["klingon"], "Odd", [], [], None),
]
"""The facts in `CSV`."""


def read_movies(folder: Path, name: str, content: str) -> tuple[Catalog, list[str]]:
    """Return the catalog of a file of movies beside five ratings, and the sentences of the report."""
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating\n" + "".join(f"7,{m},{m / 2 + 2}\n" for m in range(1, 6))
    )
    (folder / name).write_text(content, "utf-8")
    dataset = read(folder)
    assert dataset.catalog is not None
    return dataset.catalog, dataset.report.sentences()


def test_facts_are_read_from_columns_and_json_lines(tmp_path: Path) -> None:
    """In every notation; what isn't understood counts as missing and is counted. Other columns change nothing."""
    (csv := tmp_path / "csv").mkdir()
    catalog, sentences = read_movies(csv, "movies.csv", CSV)
    assert (
        catalog.frame.select("runtime", "languages", "original_title", "directors", "cast", "certification").rows()
        == FACTS
    )
    assert "1 running times of movies aren't understood; write minutes, such as 107" in sentences
    names = ("runtime", "languages", "original_title", "directors", "cast")
    rows = [
        {"movieId": at, "title": title, "genres": ["Drama"], **dict(zip(names, facts, strict=False))}
        for at, (title, facts) in enumerate(zip(catalog.frame["title"], FACTS, strict=True), 1)
    ]
    (lines := tmp_path / "lines").mkdir()
    again, _ = read_movies(lines, "movies.jsonl", "\n".join(json.dumps(row) for row in rows))
    assert again.frame.select(names).equals(catalog.frame.select(names))
    assert again.genres == ["Drama"]
    assert catalog.where("language=FR runtime<=100").tolist() == [False, True, False, False, False]
    assert catalog.where('director!="Agnes varda"').tolist() == [True, False, True, True, True]
    with pytest.raises(SettingError, match="no movie has the language 'de'"):
        catalog.where("language=de")
    assert not Catalog.of([1, 2]).where("runtime>1").any()


def test_a_catalog_without_facts_is_what_it_was() -> None:
    """Its frame has no further columns, so the fingerprint of data and artefacts stay."""
    plain = Catalog.of([3, 1], title=["A", "B"])
    assert plain.frame.columns == ["title", "year", "genres", "tags", "imdb", "tmdb"]
    ratings = Ratings.from_arrays([1], [3], [4.0])
    assert fingerprint_data(ratings, plain) != fingerprint_data(
        ratings, Catalog.of([3, 1], title=["A", "B"], runtime=[9, 9])
    )
    aligned = Catalog.of([3, 1], directors=[["X"], []]).align(IdMap(np.array([1, 9])))
    assert aligned.frame["directors"].to_list() == [[], []]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("107", 107), ("107.0", 107), ("107 min", 107), ("107 min.", 107), ("1h", 60), ("1 h 47 m", 107), ("1:47", 107),
        ("01:47:30", 107), ("PT1H47M", 107), ("pt107m", 107), ("2 hours 3 minutes", 123), ("90'", 90), (None, None),
        ("-5", None), ("0", None), ("10000", None), ("1h99", 159), ("∞", None), ("٣", None), ("", None),
    ],
)  # fmt: skip
def test_running_times_are_read_in_any_notation(text: str | None, minutes: int | None) -> None:
    """A text that is no running time counts as missing."""
    assert parse_minutes(text) == minutes


@given(st.text(max_size=30))
def test_any_text_is_a_running_time_or_missing(text: str) -> None:
    """And a language is a code, or the text itself in lower case."""
    assert (parse_minutes(text) or 1) in range(1, 10_000)
    assert language_code(language_code(text)) == language_code(text)


def test_gathered_facts_fill_the_gaps_and_filter() -> None:
    """The catalog's own facts come first; movies that nothing is known of pass no filter."""
    catalog = Catalog.of(
        [1, 2, 3, 4], title=["A", "B", "C", "D"], tmdb=["a", "b", "c", None], runtime=[None, 80, 100, None]
    )
    table = gathered(
        "ac", runtime=[95, 300], languages=[["fr"], ["de"]], original_title=["Ä", "C"], directors=[["X"], None],
        services=[["FR Arte", "DE Netflix"], []],
    )  # fmt: skip
    facts = MovieFacts.of(catalog, np.array([5, 1, 9, 0]), table)
    assert facts.frame["runtime"].to_list() == [95, 80, 100, None]
    assert facts.row(0)["original_title"] == "Ä"
    assert facts.row(2)["original_title"] is None
    assert facts.n_known == {
        "runtime": 3, "languages": 2, "original_title": 2, "directors": 1, "cast": 0, "certification": 0, "services": 2,
    }  # fmt: skip

    def passing(*wanted: object) -> list[int]:
        mask = facts.mask(FactFilter(*wanted))
        assert mask is not None
        return np.flatnonzero(mask).tolist()

    assert facts.mask(FactFilter()) is None
    assert passing(95) == [0, 1]
    assert passing(0, "FR") == [0]
    assert passing(0, "", "netflix") == [0]
    assert passing(0, "", "Netflix", "de") == [0]
    assert passing(90, "fr") == []
    for wrong, words in (
        ((0, "xx"), "the languages are fr, de"),
        ((0, "", "Netflix", "FR"), "in FR; the services are Arte"),
    ):
        with pytest.raises(SettingError, match=words):
            facts.mask(FactFilter(*wrong))
    assert [catalog.title(number) for number in facts.titles.search("ä")] == ["A"]
    assert facts.people.search("x y z") == []


NAMES = ["Agnès Varda", "Akira Kurosawa", "Al Pacino", "Robert De Niro", "Heath Ledger", "黒澤明", "Łukasz Żal"]


@pytest.fixture(scope="module")
def people() -> People:
    """Directors of a movie each, the first of which has the most ratings; one also plays in the last two."""
    played = [[] for _ in NAMES[:-2]] + [["agnes varda"]] * 2
    return People.of([[name] for name in NAMES], played, np.arange(len(NAMES), 0, -1))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("agnes varda", "Agnès Varda"), ("VARDA", "Agnès Varda"), ("films by Agnès Varda", "Agnès Varda"),
        ("movies with de niro", "Robert De Niro"), ("kurosava akira", None), ("akira kurosava", "Akira Kurosawa"),
        ("黒澤明", "黒澤明"), ("lukasz z", "Łukasz Żal"), ("heath", "Heath Ledger"), ("heat wave", None), ("a", None),
    ],
)  # fmt: skip
def test_people_are_found_by_name(people: People, query: str, first: str | None) -> None:
    """Without case and accents, by any of their names, and with a typo; other words find nobody."""
    assert [person.name for person in people.search(query)][:1] == ([first] if first else [])


def test_a_person_has_the_movies_of_both_roles(people: People) -> None:
    """Most rated first; the name may be written in another way."""
    person = people.find("AGNES VARDA")
    assert person is not None
    assert (person.directed, person.played) == ([0], [5, 6])
    assert people.numbers(person).tolist() == [0, 5, 6]
    assert people.find("Nobody") is None


def test_a_search_among_the_people_of_a_catalog_is_quick() -> None:
    """At most 10 ms of the processor among the 20,000 people of 5,000 movies."""
    words = [f"{one}{other}" for one in ("bel", "cor", "dam", "fil", "gon") for other in map(str, range(100, 140))]
    names = [f"{one} {other}" for one in words for other in words[:100]]
    people = People.of([[]] * 5000, [names[at : at + 4] for at in range(0, 20_000, 4)], np.ones(5000, int))
    people.search("warm up")
    begun = time.thread_time()
    for name in names[:20_000:1000]:
        assert people.search(name)[0].name == name
    assert (time.thread_time() - begun) / 20 < 0.010
