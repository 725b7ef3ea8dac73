"""Certifications of movies, such as `FSK 12`, `PG-13` or `DE:12`, and the ages in years from which they allow a movie.

The ages are those of the boards: FSK (fsk.de), MPA (filmratings.com), TV Parental Guidelines (tvguidelines.org), BBFC
(bbfc.co.uk), CNC (cnc.fr), Kijkwijzer (kijkwijzer.nl), ACB (classification.gov.au), Eirin (eirin.jp), CBFC
(cbfcindia.gov.in), ICAA (Spain), and the provinces of Canada. "Parental guidance" names no age: it counts as eight
years in Britain, Ireland and Canada, where the BBFC says so, and as ten elsewhere.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

MAX_AGE = 21
"""Maximum age of a certification in years."""

SYSTEMS: dict[str, dict[str, int]] = {
    "US": {
        "G": 0, "PG": 10, "GP": 10, "PG13": 13, "R": 17, "NC17": 18, "X": 18,
        "TVY": 0, "TVG": 0, "TVY7": 7, "TVY7FV": 7, "TVPG": 10, "TV14": 14, "TVMA": 17,
    },
    "GB": {"U": 0, "UC": 0, "PG": 8, "A": 8, "AA": 14, "X": 18, "R18": 18},
    "IE": {"G": 0, "PG": 8},
    "DE": {"OA": 0, "OHNEALTERSBESCHRÄNKUNG": 0, "KJ": 18, "KEINEJUGENDFREIGABE": 18},
    "FR": {"U": 0, "TP": 0, "TOUSPUBLICS": 0},
    "CA": {"G": 0, "PG": 8, "R": 18, "A": 18, "E": 0},
    "AU": {"G": 0, "PG": 10, "M": 15, "MA": 15, "R": 18, "X": 18, "RC": 18},
    "NZ": {"G": 0, "PG": 10, "M": 16, "R": 18},
    "NL": {"AL": 0},
    "ES": {"A": 0, "AI": 0, "APTA": 0, "TP": 0, "X": 18},
    "IT": {"T": 0},
    "BR": {"L": 0, "LIVRE": 0},
    "SE": {"BTL": 0},
    "NO": {"A": 0}, "DK": {"A": 0}, "FI": {"S": 0},
    "JP": {"G": 0},
    "KR": {"ALL": 0},
    "IN": {"U": 0, "UA": 12, "A": 18, "S": 18},
    "SG": {"G": 0, "PG": 10, "NC16": 16},
    "MX": {"AA": 0, "A": 0, "B": 12, "C": 18, "D": 18},
    "AR": {"ATP": 0},
    "IS": {"L": 0},
}  # fmt: skip
"""Ages by country (ISO 3166-1) and plain label; a label with a number, such as `12A` or `R15+`, is that age."""

NO_AGE = {"NR", "NOTRATED", "UNRATED", "UR", "APPROVED", "PASSED", "NORATING", "NOTYETRATED", "EXEMPT"}
"""Plain labels that say no age, and aren't reported."""

NAMES = {
    "USA": "US", "UNITEDSTATES": "US", "MPA": "US", "MPAA": "US", "UK": "GB", "UNITEDKINGDOM": "GB", "BBFC": "GB",
    "FSK": "DE", "GERMANY": "DE", "WESTGERMANY": "DE", "DEUTSCHLAND": "DE", "FRANCE": "FR", "CNC": "FR",
    "AUSTRIA": "AT", "SWITZERLAND": "CH", "AUSTRALIA": "AU", "NEWZEALAND": "NZ", "CANADA": "CA", "IRELAND": "IE",
    "IFCO": "IE",
    "NETHERLANDS": "NL", "KIJKWIJZER": "NL", "BELGIUM": "BE", "SPAIN": "ES", "ITALY": "IT", "PORTUGAL": "PT",
    "BRAZIL": "BR", "ARGENTINA": "AR", "MEXICO": "MX", "SWEDEN": "SE", "NORWAY": "NO", "DENMARK": "DK", "FINLAND": "FI",
    "ICELAND": "IS", "POLAND": "PL", "HUNGARY": "HU", "RUSSIA": "RU", "JAPAN": "JP", "SOUTHKOREA": "KR", "INDIA": "IN",
    "SINGAPORE": "SG",
}  # fmt: skip
"""Countries by their names and boards."""

_NUMBER = re.compile(
    r"(?:AB|AGES?|RP|PG|UA|MA|VM|R|M|X|K)?(\d{1,2})(?:\+|A|AI|I|FIG|PG|YEARS?|JAHREN?|ANS|FREIGEGEBEN)?", re.ASCII
)
_SIGNS = re.compile(r"(?<!\d)[\s._/-]+|[\s._/-]+(?!\d)", re.ASCII)
_PREFIX = re.compile(
    r"((?:[a-z]{2,14} ){0,2}[a-z]{2,14}(?=\s*:)|[a-z]{2,14})(?:\s*[:\s-]\s*|(?=\d))(.+)", re.ASCII | re.IGNORECASE
)
_RATED = re.compile(r"(?:rated|certificate|cert\.)\s+([\w+-]{1,12})(?:\s+for\s.*)?", re.IGNORECASE)
_REMARK = re.compile(r"\s*\([^()]*\)$|\.0$")


@lru_cache(4096)
def read_certification(text: str) -> Mapping[str, int]:
    """Return the ages in a certification by country, "" where it names none; empty if it isn't understood.

    >>> [read_certification(text) for text in ("FSK 12", "12", "Rated R", "DE:16|US:PG-13", "Not Rated")]
    [{'DE': 12}, {'': 12}, {'': 17}, {'DE': 16, 'US': 13}, {}]
    """
    found: dict[str, int] = {}
    for part in re.split("[|;,]", text):
        country, age = _read_part(part.strip())
        if age is not None:
            found[country] = max(age, found.get(country, 0))
    return found


def says_no_age(text: str) -> bool:
    """Return whether a text says that there is no certification."""
    return _plain(_PREFIX.sub(r"\2", text)) in NO_AGE or _plain(text) in NO_AGE


def age_of(text: str | None) -> int | None:
    """Return the age of a certification, that of the US or the strictest if it has several; None if none is known."""
    ages = read_certification(text or "")
    first = next((ages[country] for country in ("", "US") if country in ages), None)
    return max(ages.values(), default=None) if first is None else first


def _read_part(text: str) -> tuple[str, int | None]:
    text = _REMARK.sub("", text)
    if rated := _RATED.fullmatch(text):
        text = rated[1]
    if (age := _age(text, "")) is not None:
        return "", age
    prefix = _PREFIX.fullmatch(text)
    name = _plain(prefix[1]) if prefix else ""
    country = NAMES.get(name, name if len(name) == 2 else "")
    return (country, _age(prefix[2], country)) if prefix and country else ("", None)


def _age(label: str, country: str) -> int | None:
    """Return the age of a label: as its country has it, else as the US, else the strictest of all."""
    plain = _plain(label)
    of_country = SYSTEMS.get(country, {}).get(plain)
    if of_country is not None:
        return of_country
    if number := _NUMBER.fullmatch(plain):
        return int(number[1]) if int(number[1]) <= MAX_AGE else None
    all_ages = [system[plain] for system in SYSTEMS.values() if plain in system]
    return SYSTEMS["US"].get(plain, max(all_ages, default=None))


def _plain(label: str) -> str:
    return _SIGNS.sub("", label).upper()
