"""Measure how imported titles are matched to a catalog: recall and precision by kind of title, and by rule.

    python benchmarks/matching.py [--data FOLDER] [--other FOLDER]

Altered copies: nine tenths of the catalog's movies are kept, a tenth is left out. Each title is altered in one way, and
matched to the kept movies. A copy of a kept movie must find that movie; a copy of one that was left out must find none.
Another catalog (`--other`, such as MovieTweetings) gives titles as another site writes them, and movies that the first
catalog lacks; the movies' IMDb numbers say which are the same. They aren't given to the matcher. A movie with the same
title and year under another number counts as the same movie.
"""

import argparse
import html
import random
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog, MovieSummary
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.movielens import default
from cinematrix.data.readers import read
from cinematrix.data.title_words import title_words
from cinematrix.data.training_data import TrainingData
from cinematrix.importers.entries import Entry, parse_external_id
from cinematrix.importers.matching import Match, MovieMatcher
from cinematrix.importers.title_forms import TitleForms
from results import markdown, put

LEFT_OUT = 10
"""One movie of so many is left out of the catalog."""

Copy = tuple[str, int | None]
Alteration = Callable[[str, int | None, random.Random], Copy | None]

NUMERALS = {
    **{"2": "II", "3": "III", "4": "IV", "5": "V", "6": "VI"},
    **{"Two": "2", "Three": "3", "II": "2", "III": "3", "IV": "4"},
}


def main() -> None:
    """Match the copies and the other catalog's titles, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--other", type=Path)
    options = parser.parse_args()
    catalog, raters = _catalog(options.data or default().path)
    head = ["titles", "of movies in the catalog", "matched rightly", "of other movies", "wrong matches", "precision"]
    copies = {name: match_copies(catalog, raters, alter) for name, alter in ALTERATIONS.items()}
    copies |= {name: match_copies(catalog, raters, alter, exist=False) for name, alter in DISTRACTORS.items()}
    parts = [
        f"## Altered copies of {len(catalog):,} titles",
        markdown(head, [tally.row(name) for name, tally in copies.items()]),
    ]
    parts += [_by_rule("Altered copies by rule", copies.values())]
    if options.other:
        data, other = (catalog, raters), _catalog(options.other)
        for names, one, two in (("the other catalog's titles", data, other), ("the other way round", other, data)):
            real = {
                names: match_catalog(*one, two[0], with_years=True),
                f"{names}, without years": match_catalog(*one, two[0], with_years=False),
                f"{names}, without years, each as often as it is rated": match_catalog(
                    *one, two[0], with_years=False, weights=two[1]
                ),
            }
            parts += [f"## {names.capitalize()}", markdown(head, [tally.row(name) for name, tally in real.items()])]
            parts += [_by_rule("By rule", real.values())]
    put(parts)


@dataclass
class Tally:
    """Counts of matches.

    Attributes:
        present, absent: titles of movies that the catalog has, and of others.
        right, wrong: matches by rule.
        seconds: processor time of the matching, without that of the index.
    """

    present: int = 0
    absent: int = 0
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, match: Match, *, exists: bool, is_right: bool, weight: int = 1) -> None:
        """Count one title's match."""
        self.present += weight * exists
        self.absent += weight * (not exists)
        if match.number != UNKNOWN:
            (self.right if is_right else self.wrong)[match.rule] += weight

    def row(self, name: str) -> list[str]:
        """Return a row of the table."""
        right, wrong = self.right.total(), self.wrong.total()
        share = f"{right:,} ({right / max(self.present, 1):.1%})"
        return [
            name,
            f"{self.present:,}",
            share,
            f"{self.absent:,}",
            str(wrong),
            f"{right / max(right + wrong, 1):.2%}",
        ]


def match_copies(catalog: Catalog, raters: NDArray[np.int64], alter: Alteration, *, exist: bool = True) -> Tally:
    """Match altered copies of all titles to the movies that aren't left out; with `exist=False`, all are of others."""
    kept = [at for at in range(len(catalog)) if at % LEFT_OUT]
    facts = [catalog.facts[at] for at in kept]
    matcher = MovieMatcher(Catalog.of(kept, title=[each.title for each in facts], year=[each.year for each in facts]))
    chance, tally = random.Random(1), Tally()
    copies = [
        (at, copy) for at, each in enumerate(catalog.facts) if (copy := alter(each.title or "", each.year, chance))
    ]
    matches = _timed(matcher, [copy for _, copy in copies], raters[kept], tally)
    for (at, copy), match in zip(copies, matches, strict=True):
        number = kept[match.number] if match.number != UNKNOWN else UNKNOWN
        same = number != UNKNOWN and _is_same(catalog.facts[number], *copy, apart=0 if exist else 1)
        exists = exist and at % LEFT_OUT > 0
        tally.add(match, exists=exists or same, is_right=same or (exists and number == at))
    return tally


def match_catalog(
    catalog: Catalog,
    raters: NDArray[np.int64],
    other: Catalog,
    *,
    with_years: bool,
    weights: NDArray[np.int64] | None = None,
) -> Tally:
    """Match the titles of another catalog; the IMDb numbers say which movies are the same.

    `weights`: number of rows of each title, as in the imports of all users of the other catalog.
    """
    tally, numbers = Tally(), {id_: at for at, id_ in enumerate(_imdb(catalog)) if id_}
    copies = [(each.title or "", each.year if with_years else None) for each in other.facts]
    matches = _timed(MovieMatcher(Catalog(catalog.movies, catalog.frame)), copies, raters, tally)
    for at, (id_, match) in enumerate(zip(_imdb(other), matches, strict=True)):
        number = numbers.get(id_ or 0, UNKNOWN)
        same = (
            match.number != UNKNOWN
            and number == UNKNOWN
            and _is_same(catalog.facts[match.number], *other.facts[at][:2])
        )
        weight = 1 if weights is None else int(weights[at])
        tally.add(match, exists=number != UNKNOWN or same, is_right=same or match.number == number, weight=weight)
    return tally


def _timed(matcher: MovieMatcher, copies: list[Copy], raters: NDArray[np.int64], tally: Tally) -> list[Match]:
    entries = [Entry(str(at), "seen", title, year) for at, (title, year) in enumerate(copies)]
    started = time.process_time()
    matches = matcher.match_file(entries, raters)
    tally.seconds = time.process_time() - started
    return matches


def _is_same(movie: MovieSummary, title: str | None, year: int | None, apart: int = 0) -> bool:
    if (movie.year is None) != (year is None) or abs((movie.year or 0) - (year or 0)) > apart:
        return False
    return not TitleForms(movie.title or "").exact.isdisjoint(TitleForms(title or "").exact)


def _imdb(catalog: Catalog) -> list[int | None]:
    return [parse_external_id(id_ or "") for id_ in catalog.frame["imdb"].to_list()]


def _catalog(path: Path) -> tuple[Catalog, NDArray[np.int64]]:
    """Return the catalog of a data set, and the number of raters of each movie."""
    read_data = read(path)
    data = TrainingData.of(read_data.ratings, read_data.catalog)
    return data.catalog, data.raters


def _by_rule(name: str, tallies: Iterable[Tally]) -> str:
    """Return the table of matches by rule, and the speed."""
    listed = list(tallies)
    right, wrong = (sum((getattr(each, part) for each in listed), Counter[str]()) for part in ("right", "wrong"))
    rows = [
        [rule, f"{right[rule]:,}", str(wrong[rule]), f"{right[rule] / (right[rule] + wrong[rule]):.2%}"]
        for rule in sorted(right | wrong, key=lambda rule: -right[rule])
    ]
    titles, seconds = sum(each.present + each.absent for each in listed), sum(each.seconds for each in listed)
    speed = f"{seconds / titles * 20_000:.2f} s of processor time for 20,000 titles, without the index."
    return f"{name}; {speed}\n\n{markdown(['rule', 'right', 'wrong', 'precision'], rows)}"


def _changed(title: str, altered: str, year: int | None) -> Copy | None:
    return (altered, year) if altered.strip() and altered != title else None


def _substitution(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Alteration:
    return lambda title, year, chance: _changed(title, re.sub(pattern, new, title), year)


def _mangle(title: str, year: int | None, chance: random.Random) -> Copy | None:
    """Read UTF-8 as Windows-1252, as some programs do."""
    return _changed(title, title.encode().decode("cp1252", "ignore"), year)


def _misspell(title: str, year: int | None, chance: random.Random) -> Copy | None:
    """Leave out a letter, or swap two, in a title of twelve letters or more."""
    at = chance.randrange(1, max(len(title) - 2, 2))
    swapped = title[:at] + title[at + 1] + title[at] + title[at + 2 :] if len(title) >= 12 else title
    return _changed(title, chance.choice([swapped, title[:at] + title[at + 1 :]]) if len(title) >= 12 else title, year)


def _shift_year(title: str, year: int | None, chance: random.Random) -> Copy | None:
    return (title, year + chance.choice([-1, 1])) if year else None


def _remake(title: str, year: int | None, chance: random.Random) -> Copy | None:
    return (title, year + chance.choice([-1, 1]) * chance.randrange(2, 40)) if year else None


def _sequel(title: str, year: int | None, chance: random.Random) -> Copy | None:
    """Count on by one, or add a 2."""
    words = title_words(title.partition(" (")[0])
    number = words.pop() if words and words[-1].isdecimal() else "1"
    return f"{' '.join(words)} {int(number) + 1}", year


def _original(title: str, year: int | None, chance: random.Random) -> Copy | None:
    others = [other for other in re.findall(r"\((?:a\.?k\.?a\.? )?([^()]+)\)", title) if len(other) > 4]
    return (chance.choice(others), year) if others else None


ALTERATIONS: dict[str, Alteration] = {
    "unchanged": lambda title, year, chance: (title, year),
    "brackets dropped": _substitution(r"(?<=\w) \(.*", ""),
    "article last": _substitution(r"^(The|A|An|La|Le|Les|Der|Die|El|Il) ([^(]*[^( ])", r"\2, \1"),
    "article dropped": _substitution("^(The|A|An) ", ""),
    "& for and": _substitution(" and ", " & "),
    "and for &": _substitution(" & ", " and "),
    "other numerals": _substitution(r"\b(2|3|4|5|6|II|III|IV|Two|Three)\b", lambda match: NUMERALS[match[0]]),
    "Vol. or Part before the number": _substitution(
        r"(?<=\w)( |: )(?:Vol\. |Part )?(\d|I{2,3})(?=$| \()", r"\1Volume \2"
    ),
    "British spelling": _substitution("(?i)(?<=col|hon|arm|lab|par)or(?=s?\\b)", "our"),
    "ligatures": _substitution("ae", "æ"),
    "accents dropped": _substitution("[À-ɏ]", lambda match: unicodedata.normalize("NFKD", match[0])[0]),
    "hyphens as spaces": _substitution(r"(?<=\w)-(?=\w)", " "),
    "no punctuation": _substitution(r"[^\w\s()&]", ""),
    "spaces dropped": _substitution(r"(?<=\w\w) (?=\w\w)", ""),
    "HTML entities": lambda title, year, chance: _changed(title, html.escape(title), year),
    "mangled letters": _mangle,
    "subtitle dropped": _substitution(r"(?<=\w)(: | - ).*", ""),
    "only the subtitle": _substitution(r"^[^:(]*: (?=\S+ \S+ \S+)", ""),
    "original title": _original,
    "misspelt": _misspell,
    "year one off": _shift_year,
    "no year": lambda title, year, chance: (title, None),
}

DISTRACTORS: dict[str, Alteration] = {"sequel of the same year": _sequel, "remake of another year": _remake}


if __name__ == "__main__":
    main()
