"""Original titles in another language, as MovieLens gives them in brackets: `The Promise (La promesse)`."""

import re

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog, normalise_title

_BRACKETS = re.compile(r"\(([^()]*)\)")


def find_foreign(catalog: Catalog) -> NDArray[np.bool_]:
    """Return a mask of the movies that have an original title in another language. bool `[n_movies]`."""
    titles = [title or "" for title in catalog.frame["title"].to_list()]
    known = {word for title in titles for word in normalise_title(_BRACKETS.sub(" ", title)).split()}
    return np.array([any(_is_original(other, known) for other in _BRACKETS.findall(title)) for title in titles], bool)


def _is_original(name: str, known: set[str]) -> bool:
    """Return whether a name in brackets is in another language: no alias, and a word that no title has."""
    return not name.lower().startswith(("a.k.a", "aka")) and not set(normalise_title(name).split()) <= known
