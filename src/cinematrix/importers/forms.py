"""A form of table: how it is recognised, the meaning of its columns and the scale of its ratings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cinematrix.importers.columns import USUAL, Field

Unrated = Literal["seen", "watchlist", "like", "skip", "ask", "skip or ask"]


@dataclass(frozen=True)
class Form:
    """A form of table.

    Attributes:
        source: name of the source in the result.
        signature: columns that tell the form, separated by blanks; alternatives by bars. `!column` must be missing.
        highest: the best rating; 0: inferred from the ratings.
        unrated: meaning of a row that has no rating and says nothing else: a kind; `skip`: none; `ask`: the user is
            asked; `skip or ask`: asked if no row of the table has a rating.
        columns: names of the columns by field, where they differ from the usual ones; "": none.
        expected: columns without which a warning says that the file was edited.
        rank: priority of the rows, as in `Entry`.
        relative: ratings are converted by rank, since users use different parts of the scale.
        strict: ratings above `highest` are wrong; otherwise the scale is inferred if there are any.
        named: the kind may be in the file's name, as in `watchlist.csv`.
        single_user: rows of two users are an error.
        min_seconds: a film played for less time isn't seen.
        local_times: times are local without a zone, so only the day counts.
        episodes: titles of episodes are told by their form, as Netflix writes them.
        films: the rows may be films. Tables of series alone aren't read.
    """

    source: str
    signature: str
    highest: float = 0
    unrated: Unrated = "skip or ask"
    columns: Mapping[Field, str] = field(default_factory=dict)
    expected: str = ""
    rank: int = 0
    relative: bool = False
    strict: bool = True
    named: bool = True
    single_user: bool = False
    min_seconds: int = 0
    local_times: bool = False
    episodes: bool = False
    films: bool = True

    def fits(self, header: frozenset[str]) -> bool:
        """Return whether a header has this form."""
        return any(
            all((name[1:] not in header) if name.startswith("!") else name in header for name in names.split())
            for names in self.signature.split("|")
        )

    def names(self, of: Field) -> list[str]:
        """Return the names that the column of a field may have, the preferred first."""
        return self.columns.get(of, USUAL[of]).split()
