"""Ages of certifications: `cinematrix.data.certifications`, the reader's report, and filters by age."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.api.data import read
from cinematrix.data.catalog import Catalog
from cinematrix.data.certifications import MAX_AGE, SYSTEMS, age_of, read_certification, says_no_age
from cinematrix.data.movie_facts import FactFilter, MovieFacts
from cinematrix.errors import SettingError
from facts_world import gathered

AGES: dict[str, int | None] = {
    **{f"FSK {age}": age for age in (0, 6, 12, 16, 18)},
    "G": 0, "PG": 10, "PG-13": 13, "R": 17, "NC-17": 18, "TV-Y7": 7, "TV-Y7-FV": 7, "TV-14": 14, "TV-MA": 17,
    "GB:U": 0, "GB:PG": 8, "GB:12": 12, "GB:12A": 12, "BBFC 15": 15, "UK:18": 18, "R18": 18,
    "U": 0, "TP": 0, "Tous publics": 0, "FR:10": 10, "-12": 12, "FR:-16": 16, "CNC 18": 18,
    "12": 12, "12.0": 12, "DE:12": 12, "DE-12": 12, "DE 12": 12, "fsk12": 12, "FSK ab 6 freigegeben": 6, "12+": 12,
    "ab 12 Jahren": 12, "Rated R": 17, "Rated PG-13 for violence, and language": 13, "USA:R": 17, "Germany:16": 16,
    "PG-13 (some scenes)": 13, "MA 15+": 15, "AU:M": 15, "M/12": 12, "K-16": 16, "VM14": 14, "NL:AL": 0, "Btl": 0,
    "JP:R15+": 15, "ES:A": 0, "IN:A": 18, "A": 18, "IN:UA 16+": 16, "CH:6": 6, "AU:R 18+": 18, "CA:R": 18,
    "United Kingdom:15": 15, "South Korea: 15": 15, "Finland:K-16": 16, "Canada:14A (Ontario)": 14,
    "Elsewhere:12": None, "DE:16|US:PG-13": 13, "DE:16, FR:12": 16, "No such, 12": 12,
    "12 or so": None, "": None, "long": None, "99": None, "22": None, "1994": None, "1.2": None, "1 2": None,
    "1/2": None, "FSK": None, ":": None, "|": None, "٣": None, "１２": None, "\u202e21": None, "-": None, "PG-": 10,
    "PG--99": None, "<b>12</b>": None, "12\n12": None, "Not Rated": None, "NR": None, "US:NR": None, "Unrated": None,
    "Approved": None,
}  # fmt: skip
"""Ages by certification."""


def test_certifications_are_read_in_any_notation() -> None:
    """A label that several systems have is that of the US, else the strictest one's."""
    assert {text: age_of(text) for text in AGES} == AGES
    assert read_certification("DE:16|US:PG-13") == {"DE": 16, "US": 13}
    assert [says_no_age(text) for text in ("Not Rated", "US:NR", "n.r.", "PG", "long")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@given(st.text(max_size=40))
def test_any_text_is_an_age_or_unknown(text: str) -> None:
    """An age is at most that of an adult anywhere."""
    assert (age_of(text) or 0) in range(MAX_AGE + 1)


def test_the_table_has_plain_labels_and_countries() -> None:
    """A label that isn't plain would never be found."""
    for country, labels in SYSTEMS.items():
        for label, age in labels.items():
            assert read_certification(f"{country}:{label}") == {country: age}


def test_unread_certifications_are_reported_and_ages_are_conditions(tmp_path: Path) -> None:
    """The catalog keeps the text; what says that there is none isn't reported."""
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating\n" + "".join(f"7,{m},{m / 2 + 2}\n" for m in range(1, 6))
    )
    rows = ["1,A,FSK 12", "2,B,secret", "3,C,Not Rated", "4,D,", "5,E,PG-13"]
    (tmp_path / "movies.csv").write_text("movieId,title,certification\n" + "\n".join(rows))
    dataset = read(tmp_path)
    assert "1 certifications of movies aren't known; write such as PG-13 or FSK 12" in dataset.report.sentences()
    assert dataset.report.as_dict()["unread_certifications"] == 1
    catalog = dataset.catalog
    assert catalog is not None
    assert catalog.column("certification").to_list() == ["FSK 12", "secret", "Not Rated", None, "PG-13"]
    assert catalog.where("age<=12").tolist() == [True, False, False, False, False]
    assert catalog.where("age>12").tolist() == [False, False, False, False, True]
    assert not Catalog.of([1, 2]).where("age<=21").any()
    with pytest.raises(SettingError, match="an age is in years, such as 12"):
        catalog.where("age<=PG")


def test_the_country_decides_else_the_us_else_the_strictest() -> None:
    """The catalog's certification comes first if it is understood, and gathered ones fill the gaps."""
    own = ["12", "secret", None, None, "FR:TP|GB:15"]
    catalog = Catalog.of([1, 2, 3, 4, 5], tmdb=["a", "b", "c", None, "e"], certification=own)
    table = gathered("abce", certifications=[["DE:18"], ["US:R", "DE:16"], ["FR:10", "GB:15", "DE:??"], ["DE:0"]])
    facts = MovieFacts.of(catalog, np.array([5, 1, 9, 0, 1]), table)
    nan = None

    def ages(country: str) -> list[Any]:
        return [None if np.isnan(age) else age for age in facts.ages(country).tolist()]

    assert ages("DE") == [12, 16, 15, nan, 15]
    assert ages("fr") == [12, 17, 10, nan, 0]
    assert ages("") == [12, 17, 15, nan, 15]
    assert facts.n_known["certification"] == 4
    assert facts.has_any

    def passing(age: int, country: str = "") -> list[int]:
        mask = facts.mask(FactFilter(max_age=age, age_country=country))
        assert mask is not None
        return np.flatnonzero(mask).tolist()

    assert passing(12) == [0]
    assert passing(0, "FR") == [4]
    assert passing(MAX_AGE) == [0, 1, 2, 4]
    rows = [{name: facts.row(at, "FR")[name] for name in ("certification", "age")} for at in range(5)]
    assert [tuple(row.values()) for row in rows] == [
        ("12", 12), ("secret", 17), ("FR:10", 10), (None, None), ("FR:TP|GB:15", 0)
    ]  # fmt: skip
    assert facts.row(2, "DE")["certification"] == "GB:15"
