"""Write the lists and rows of four tastes into docs/lists.md, for reading by eye.

The tastes are those of four film lovers with twenty ratings each, on movies of MovieLens latest-small, whom a list of
what everybody watches doesn't serve. The tests of `recommendation/test_tastes.py` hold what can be held.

    python benchmarks/tastes.py [--model model] [--out docs/lists.md]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cinematrix as cx
from cinematrix.data.catalog import Catalog
from cinematrix.models.base import Recommender
from cinematrix.recommendation.lists import recommend
from cinematrix.recommendation.shelves import build_shelves

ROOT = Path(__file__).parents[1]

Taste = dict[tuple[str, int], float]

TASTES: dict[str, Taste] = {
    "An arthouse lover": {
        ("The Seventh Seal", 1957): 5, ("Wild Strawberries", 1957): 5, ("Persona", 1966): 5, ("Stalker", 1979): 5,
        ("Solaris", 1972): 4.5, ("The Mirror", 1975): 5, ("Andrei Rublev", 1969): 4.5, ("L'Avventura", 1960): 4.5,
        ("Blow-Up", 1966): 4, ("Seven Samurai", 1954): 4.5, ("Rashomon", 1950): 4.5, ("Ikiru", 1952): 5,
        ("Ran", 1985): 4.5, ("8 1/2", 1963): 4.5, ("The 400 Blows", 1959): 4, ("Breathless", 1960): 4,
        ("Fanny and Alexander", 1982): 5, ("Forrest Gump", 1994): 2, ("Independence Day", 1996): 1.5,
        ("Braveheart", 1995): 2.5,
    },
    "A fan of Hollywood musicals": {
        ("Singin' in the Rain", 1952): 5, ("An American in Paris", 1951): 4.5, ("Top Hat", 1935): 5,
        ("Gigi", 1958): 4, ("Meet Me in St. Louis", 1944): 4.5, ("The Wizard of Oz", 1939): 5,
        ("My Fair Lady", 1964): 4.5, ("West Side Story", 1961): 4.5, ("The Sound of Music", 1965): 5,
        ("Mary Poppins", 1964): 4.5, ("Oklahoma!", 1955): 4, ("The King and I", 1956): 4.5,
        ("Seven Brides for Seven Brothers", 1954): 4, ("Guys and Dolls", 1955): 4, ("Funny Face", 1957): 4,
        ("Swing Time", 1936): 4.5, ("Cabaret", 1972): 4, ("Pulp Fiction", 1994): 2, ("The Matrix", 1999): 2,
        ("Alien", 1979): 2.5,
    },
    "A follower of anime": {
        ("Spirited Away", 2001): 5, ("My Neighbor Totoro", 1988): 5, ("Princess Mononoke", 1997): 5,
        ("Akira", 1988): 4.5, ("Ghost in the Shell", 1995): 4.5, ("Howl's Moving Castle", 2004): 4.5,
        ("Grave of the Fireflies", 1988): 5, ("Laputa: Castle in the Sky", 1986): 4.5,
        ("Nausicaä of the Valley of the Wind", 1984): 4.5, ("Kiki's Delivery Service", 1989): 4,
        ("Perfect Blue", 1997): 4.5, ("Paprika", 2006): 4.5, ("Porco Rosso", 1992): 4,
        ("Whisper of the Heart", 1995): 4.5, ("Millennium Actress", 2001): 4.5, ("Metropolis", 2001): 4,
        ("Tokyo Godfathers", 2003): 4, ("Titanic", 1997): 2, ("Pretty Woman", 1990): 2, ("Top Gun", 1986): 2.5,
    },
    "A documentary watcher": {
        ("Hoop Dreams", 1994): 5, ("Grizzly Man", 2005): 4.5, ("Man on Wire", 2008): 4.5,
        ("The Fog of War: Eleven Lessons from the Life of Robert S. McNamara", 2003): 4.5,
        ("The Thin Blue Line", 1988): 5, ("Bowling for Columbine", 2002): 4, ("Fahrenheit 9/11", 2004): 3.5,
        ("Super Size Me", 2004): 4, ("Spellbound", 2002): 4, ("Crumb", 1994): 4.5, ("Roger & Me", 1989): 4.5,
        ("Jesus Camp", 2006): 4, ("March of the Penguins", 2005): 4, ("Capturing the Friedmans", 2003): 4.5,
        ("Exit Through the Gift Shop", 2010): 4.5, ("Inside Job", 2010): 4, ("Touching the Void", 2003): 4.5,
        ("Armageddon", 1998): 2, ("The Mummy", 1999): 2, ("Men in Black", 1997): 2.5,
    },
}  # fmt: skip


def find_movies(catalog: Catalog, taste: Taste) -> dict[int | str, float]:
    """Return the ratings of a taste by movie ID: titles without what is in brackets."""
    numbers: dict[tuple[str, int | None], int] = {}
    for number, facts in enumerate(catalog.facts):
        numbers.setdefault(((facts.title or "").partition(" (")[0], facts.year), number)
    return {catalog.movies.listed[numbers[film]]: rating for film, rating in taste.items()}


def main() -> None:
    """Write the page."""
    options = argparse.ArgumentParser(description="Write the lists of four tastes.")
    options.add_argument("--data", default=ROOT.parent / "shared/data/ml-latest-small", help="folder of the ratings")
    options.add_argument("--model", help="folder of a model of these ratings; by default deep-mf is trained")
    options.add_argument("--out", type=Path, default=ROOT / "docs" / "lists.md")
    args = options.parse_args()
    model = cx.load(args.model) if args.model else cx.model("deep-mf", seed=0).fit(cx.read(args.data))
    args.out.write_text("\n".join(write_page(model.recommender)) + "\n", "utf-8")


def write_page(model: Recommender) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Lists of four tastes"
    yield ""
    yield "Four film lovers with twenty ratings each, on MovieLens latest-small, and what `deep-mf` shows them: a list"
    yield "of ten in the default order with expected stars and reasons, then the rows of the start page."
    yield "The notebook [Why a list has what it has](notebooks/4-why-this-list.md) takes such a list apart."
    yield "`python benchmarks/tastes.py` writes this page anew; `tests/recommendation/test_tastes.py` has its tests."
    for name, taste in TASTES.items():
        history, _ = model.data.histories([find_movies(model.data.catalog, taste)])
        yield from ("", f"## {name}", "", f"Gave {format_taste(taste)}.", "")
        yield from ("| # | Film | Expected | Raters | Reason |", "|---|---|---|---|---|")
        for rank, item in enumerate(recommend(model, history, 10), 1):
            raters = model.data.raters[model.data.movies.number(item.movie)]
            yield f"| {rank} | {item.label} | {item.stars:.1f} | {raters} | {item.reason} |"
        yield ""
        for shelf in build_shelves(model, history, 6):
            yield f"- **{shelf.title}**: {'; '.join(f'{item.label} {item.stars:.1f}' for item in shelf.items)}"


def format_taste(taste: Taste) -> str:
    """Format ratings by their stars: `5 ★ to Ikiru and Ran, 4 ★ to …`."""
    levels = np.unique(list(taste.values()))[::-1].tolist()
    films = {level: [title for (title, _), rating in taste.items() if rating == level] for level in levels}
    return "; ".join(f"{level:g} ★ to {', '.join(titles)}" for level, titles in films.items())


if __name__ == "__main__":
    main()
