"""Tests of real posters on the page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.service.settings import PosterSettings, ServiceSettings
from page_world import PageVisit, open_visit, run_service
from tmdb_world import DETAILS, KEY, PNG, FakeAnswer, fake_tmdb, save_numbered_model

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

NOTICE = "This product uses the TMDB API but is not endorsed or certified by TMDB."


def check_details(visit: PageVisit, movie: int) -> None:
    """Check the details in the film's view, the offers of two countries, the links to other sites, and German."""
    page = visit.page
    visit.open(f"/?view=film&movie={movie}")
    about = page.locator(".about")
    expect(about.locator(".plot")).to_have_text(DETAILS["overview"])
    for words in ("Larisa S.", "Actor 0, Actor 1", "1 h 47 min", "Russian, French", "Потерянный час"):
        expect(about).to_contain_text(words)
    for name in ("Trailer on YouTube", "JustWatch", "All offers at TMDB"):
        link = about.get_by_role("link", name=name)
        expect(link).to_have_attribute("rel", "noreferrer noopener")
        expect(link).to_have_attribute("href", re.compile("^https://"))
    expect(about).to_contain_text("Criterion Channel")
    about.get_by_label("Country").select_option("DE")
    expect(about).to_contain_text("Amazon Video")
    expect(about).not_to_contain_text("Criterion Channel")
    expect(about.get_by_role("link", name="All offers at TMDB")).to_have_count(0)
    page.get_by_role("button", name="Deutsch").click()
    expect(about.get_by_label("Land")).to_have_value("DE")
    for words in ("Eine Uhr.", "Die verlorene Stunde", "1 Std. 47 Min.", "Russisch, Französisch"):
        expect(about).to_contain_text(words)


def test_a_real_poster_covers_the_drawn_one(browser: Browser, tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """On cards and in the film's view, with TMDB's notice. Without a real poster the drawn one stays."""
    ratings, catalog = world
    model, store = save_numbered_model(tmp_path / "model", ratings, catalog), f"sqlite:///{tmp_path}/store.db"
    with fake_tmdb() as tmdb:
        tmdb.film("1", FakeAnswer(PNG))
        tmdb.details("1", poster_path="/poster.jpg")
        posters = PosterSettings(KEY, tmp_path / "posters", api=tmdb.url, images=tmdb.url)
        with run_service(ServiceSettings(model, store, posters=posters)) as url, open_visit(browser, url) as visit:
            (shown, drawn), query = catalog.movies.ids[:2].tolist(), catalog.title(0).split()[0]
            visit.open(f"/?view=search&query={query}")
            expect(visit.page.locator(f".card[data-movie='{shown}'] .poster img.loaded")).to_have_css("opacity", "1")
            expect(visit.page.locator(f".card[data-movie='{drawn}'] .poster img")).to_have_count(0)
            for movie, pictures in ((shown, 1), (drawn, 0)):
                visit.open(f"/?view=film&movie={movie}")
                expect(visit.page.locator(".film-poster img.loaded")).to_have_count(pictures)
                expect(visit.page.locator(".film-poster img")).to_have_count(pictures)
                expect(visit.page.locator(".film-poster .poster-title")).to_be_visible()
                expect(visit.page.locator(".plot")).to_have_count(pictures)
            expect(visit.page.get_by_role("contentinfo")).to_contain_text(NOTICE)
            check_details(visit, shown)
            assert KEY not in visit.page.content()
            assert [line for line in visit.errors if "404" not in line] == []
            visit.errors.clear()


def test_without_a_key_no_real_poster_is_requested(
    browser: Browser, tmp_path: Path, world: tuple[Ratings, Catalog]
) -> None:
    """The posters are drawn, and TMDB is not mentioned."""
    model, store = save_numbered_model(tmp_path / "model", *world), f"sqlite:///{tmp_path}/store.db"
    with run_service(ServiceSettings(model, store)) as url, open_visit(browser, url) as visit:
        visit.open(f"/?view=search&query={world[1].title(0).split()[0]}")
        expect(visit.page.locator(".card .poster")).not_to_have_count(0)
        expect(visit.page.locator(".poster img")).to_have_count(0)
        visit.open(f"/?view=film&movie={world[1].movies.ids[0]}")
        expect(visit.page.locator(".about")).to_contain_text("More at")
        expect(visit.page.locator(".details, .watch")).to_have_count(0)
        expect(visit.page.get_by_role("contentinfo")).not_to_contain_text("TMDB")


ARTS_JS = """async ([genres, n]) => {
  const { poster } = await import("/page/parts/posters.js");
  const films = Array.from({ length: n }, (_, at) => ({ movie: at, title: `${genres[0]} ${at * 37}`, year: 1950 + at % 70, genres }));
  const drawn = films.map((film) => poster(film, false));
  if (poster(films[3], false).outerHTML !== drawn[3].outerHTML) throw new Error("a film has two posters");
  return drawn.map((each) => each.dataset.art);
}"""  # noqa: E501


def test_neighbours_have_different_art(visit: PageVisit) -> None:
    """Neighbours among 72 films of one taste, in rows of twelve: on average at most four share their art.

    A film always has the same poster. War films and children's films have no motif in common.
    """
    visit.open("/?view=search")
    tastes = [["Crime", "Drama"], ["Comedy"], ["Children"], ["War"], ["Horror", "Thriller"], ["Sci-Fi"], ["Western"]]
    arts = {taste[0]: visit.page.evaluate(ARTS_JS, [taste, 72]) for taste in tastes}
    shared = {name: sum(drawn[at] == drawn[at + 1] for at in range(71) if at % 12 < 11) for name, drawn in arts.items()}
    assert sum(shared.values()) / len(shared) <= 4, shared
    assert max(shared.values()) <= 8, shared
    motifs = {name: {art.split()[0] for art in drawn} for name, drawn in arts.items()}
    assert motifs["War"].isdisjoint(motifs["Children"])
    assert all(len(each) >= 5 for each in motifs.values())
