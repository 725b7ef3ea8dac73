"""Provenance of ratings: the source's name without a path, the public data set that they are, and its licence."""

import re

from cinematrix.data.protocols import find_dataset
from cinematrix.data.ratings import Ratings

GROUPLENS_TERMS = (
    "GroupLens' terms: research use; no commercial use without their permission; ml-100k, ml-1m and ml-10m may not be "
    "passed on, the others only under the same terms (the README in each archive). Cite Harper & Konstan 2015, The "
    "MovieLens Datasets: History and Context."
)
"""Licence of the MovieLens data sets, in short."""

TERMS = {
    "ml-": GROUPLENS_TERMS,
    "netflix": "The Netflix Prize's terms: non-commercial research; the data may not be passed on.",
    "movietweetings": "MIT, Copyright 2013 Simon Dooms (the file LICENSE). Cite Dooms, De Pessemier & Martens 2013, "
    "MovieTweetings: a Movie Rating Dataset Collected From Twitter.",
}
"""Terms by the beginning of a data set's or a format's name."""


def name_source(source: str) -> str:
    """Return the name of a file or table, without the path and without anything that follows a question mark."""
    return re.split(r"[/\\#]", source.partition("?")[0].rstrip("/\\"))[-1]


def describe_licence(form: str, dataset: str) -> str:
    """Describe the licence of ratings, by the public data set that they are or else by the name of their format."""
    terms = next((text for start, text in TERMS.items() if (dataset or form).startswith(start)), "")
    if not terms:
        return "Not recorded. The licence of the data applies to what is made of them."
    return terms if dataset else f"Not recorded. The file has the format {form}; if the data are from there: {terms}"


def describe_source(ratings: Ratings, form: str, source: str) -> dict[str, str]:
    """Return the format, the name of the source and the public data set that ratings are, as far as known."""
    named = {"format": form, "source": name_source(source), "dataset": find_dataset(ratings)}
    return {key: value for key, value in named.items() if value}
