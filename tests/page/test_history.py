"""Tests of the browser's history: uploads, picks, marks, undo and deletion."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Download, expect
from typer.testing import CliRunner

from chromium import CHROMIUM, MISSING
from cinematrix.cli.imports import EXIT_PARTIAL
from cinematrix.cli.main import app
from export_files import zip_files
from page_world import HISTORY_KEY, PageVisit
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Film = dict[str, Any]


@pytest.fixture(scope="module")
def films(url: str) -> list[Film]:
    """Comedies from a search."""
    results: list[Film] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 12}).json()["items"]
    return results


def preload_history(visit: PageVisit, films: Sequence[Film], **more: list[Film]) -> None:
    """Store ratings of four stars with old dates in the browser before the page is first opened."""
    stored = {"ratings": [film | {"rating": 4, "time": at} for at, film in enumerate(films)], **more}
    text = json.dumps(json.dumps(stored))
    visit.context.add_init_script(
        f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
    )


def test_deleting_everything_leaves_nothing_in_the_tab(visit: PageVisit, films: list[Film]) -> None:
    """Neither the last list, which is shown without connection, nor the friends; nor anything in the browser."""
    preload_history(visit, films[:3])
    visit.open()
    friend = json.dumps([{"name": "Ada", "ratings": [], "hidden": []}])
    visit.page.evaluate(f"sessionStorage.setItem('cinematrix-friends', '{friend}')")
    kept = visit.page.evaluate("[...Object.keys(sessionStorage), ...Object.keys(localStorage)].sort()")
    assert kept == [f"cinematrix-{name}" for name in ("friends", "history", "lists", "model")]
    visit.open("/?view=profile")
    visit.page.get_by_role("button", name="Delete everything").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(visit.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    assert visit.page.evaluate("Object.keys(sessionStorage)") == []
    assert visit.page.evaluate("Object.keys(localStorage)") == ["cinematrix-model"]


LETTERBOXD = "Date,Name,Year,Letterboxd URI"
COUNTS = ("entries in the file", "new", "changed", "already there", "skipped", "not found")


def letterboxd_csv(films: Sequence[Film], day: str, rating: str = "") -> str:
    """Return a Letterboxd file, with ratings or without."""
    head, tail = (f"{LETTERBOXD},Rating", f",{rating}") if rating else (LETTERBOXD, "")
    rows = (f"{day},{film['title']},{film['year']},https://boxd.it/x{tail}\n" for film in films)
    return f"{head}\n{''.join(rows)}"


def upload(visit: PageVisit, name: str, content: str | bytes) -> dict[str, int]:
    """Upload a file, and return the counts of its entries; the page leaves out those of 0."""
    visit.page.evaluate("document.querySelector('.result')?.remove()")
    buffer = content if isinstance(content, bytes) else content.encode()
    visit.page.set_input_files("#file", [{"name": name, "mimeType": "text/csv", "buffer": buffer}])
    visit.page.locator(".result").wait_for()
    words = visit.page.locator(".counts").evaluate("all => [...all.querySelectorAll('dt, dd')].map(e => e.textContent)")
    return dict.fromkeys(COUNTS, 0) | dict(zip(words[::2], map(int, words[1::2]), strict=True))


def test_an_upload_is_counted_and_merged_once(visit: PageVisit, films: list[Film]) -> None:
    """Ratings, seen films, watchlist and likes are stored. A repeated upload changes nothing, as with an account.

    A film that the user has rated or seen isn't on the watchlist.
    """
    export = zip_files(
        {
            "ratings.csv": letterboxd_csv(films[:2], "2024-01-05", "4.5"),
            "watched.csv": letterboxd_csv(films[:3], "2024-01-05"),
            "watchlist.csv": letterboxd_csv(films[1:5], "2024-01-05"),
            "likes/films.csv": letterboxd_csv(films[:1], "2024-01-05"),
        }
    )
    visit.open("/?view=bring")
    assert upload(visit, "mine.zip", export) == dict(zip(COUNTS, (10, 6, 0, 4, 0, 0), strict=True))
    expect(visit.page.get_by_role("heading", name="Films imported")).to_be_visible()
    stored = visit.kept()
    ids_by_part = {part: [row["movie"] for row in stored[part]] for part in ("ratings", "hidden", "watchlist", "likes")}
    ids = [film["movie"] for film in films]
    assert ids_by_part == {"ratings": ids[:2], "hidden": ids[2:3], "watchlist": ids[3:5], "likes": ids[:1]}
    visit.page.reload()
    assert upload(visit, "mine.zip", export) == dict(zip(COUNTS, (10, 0, 0, 10, 0, 0), strict=True))
    accounts = [httpx2.post(f"{visit.url}/v1/users/ann/imports", content=export).json() for _ in range(2)]
    assert [[row[name] for name in ("imported", "updated", "duplicates")] for row in accounts] == [
        [6, 0, 4],
        [0, 0, 10],
    ]
    expect(visit.page.get_by_role("heading", name="Nothing new")).to_be_visible()
    kept = visit.kept()
    facts = ("movie", "rating", "kind", "time")
    for part in ids_by_part:
        assert [[row.get(name) for name in facts] for row in kept[part]] == [
            [row.get(name) for name in facts] for row in stored[part]
        ]
    assert upload(visit, "ratings.csv", letterboxd_csv(films[3:4], "2024-02-05", "3"))["new"] == 1
    assert [row["movie"] for row in visit.kept()["watchlist"]] == ids[4:5]


def test_the_page_asks_what_the_films_of_a_file_are(visit: PageVisit, films: list[Film]) -> None:
    """Four answers; the chosen one is imported with the days of the file, and hides the films."""
    rows = "".join(f"{film['title']},{film['year']},2024-01-15\n" for film in films[:2])
    visit.open("/?view=bring")
    content = {"name": "mine.csv", "mimeType": "text/csv", "buffer": f"Title,Year,Date\n{rows}".encode()}
    visit.page.set_input_files("#file", [content])  # type: ignore[list-item]
    expect(visit.page.get_by_role("heading", name="What are these films to you?")).to_be_visible()
    visit.errors[:] = [error for error in visit.errors if "422" not in error]
    visit.page.get_by_role("button", name="I have seen them").click()
    expect(visit.page.get_by_role("heading", name="Films imported")).to_be_visible()
    hidden = visit.kept()["hidden"]
    assert [(row["movie"], row["kind"], row["time"]) for row in hidden] == [
        (film["movie"], "seen", 1_705_276_800) for film in films[:2]
    ]


def test_the_page_asks_whose_films_a_file_has(visit: PageVisit, films: list[Film]) -> None:
    """A Netflix account has several profiles; the chosen one's films are imported."""
    rows = [
        f"{who},2024-01-15 20:00:00,02:00:00,{film['title']} ({film['year']}),\n"
        for who, film in zip(("Ann", "Bob"), films[:2], strict=True)
    ]
    content = f"Profile Name,Start Time,Duration,Title,Supplemental Video Type\n{''.join(rows)}".encode()
    visit.open("/?view=bring")
    visit.page.set_input_files("#file", [{"name": "ViewingActivity.csv", "mimeType": "text/csv", "buffer": content}])
    expect(visit.page.get_by_role("heading", name="Whose films are these?")).to_be_visible()
    visit.errors[:] = [error for error in visit.errors if "422" not in error]
    visit.page.get_by_role("button", name="Bob").click()
    expect(visit.page.get_by_text("1 entry was skipped")).to_be_visible()
    assert [row["movie"] for row in visit.kept()["hidden"]] == [films[1]["movie"]]


def test_an_undated_rating_is_corrected_by_the_same_file(visit: PageVisit, films: list[Film]) -> None:
    """Another scale changes undated ratings of an earlier upload, but no rating that was given here since."""

    def table(rating: int) -> bytes:
        return "".join(["title,year,rating\n", *(f"{f['title']},{f['year']},{rating}\n" for f in films[:2])]).encode()

    visit.open("/?view=bring")
    upload(visit, "mine.csv", table(4))
    upload(visit, "mine.csv", table(8))
    assert [row["rating"] for row in visit.kept()["ratings"]] == [4, 4]
    upload(visit, "mine.csv", table(2))
    assert [row["rating"] for row in visit.kept()["ratings"]] == [2, 2]


def test_the_newest_rating_wins_in_the_browser(visit: PageVisit, films: list[Film]) -> None:
    """An older or undated upload replaces neither newer ratings nor deleted ones; a newer upload does."""
    preload_history(visit, films[:1])
    visit.open("/?view=bring")
    movie = films[0]["movie"]
    rating = f"JSON.parse(localStorage.getItem('{HISTORY_KEY}')).ratings.find(row => row.movie === {movie})?.rating"
    assert upload(visit, "ratings.csv", letterboxd_csv(films[:2], "2024-01-05", "3"))["changed"] == 1
    assert visit.page.evaluate(rating) == 3
    assert upload(visit, "ratings.csv", letterboxd_csv(films[:2], "2023-01-05", "1.5"))["already there"] == 2
    undated = f"title,year,rating\n{films[0]['title']},{films[0]['year']},2\n"
    assert upload(visit, "mine.csv", undated)["already there"] == 1
    assert visit.page.evaluate(rating) == 3
    visit.open(f"/?view=film&movie={films[0]['movie']}")
    visit.page.get_by_role("radio", name="3 of 5", exact=True).first.click()
    assert visit.page.evaluate(rating) is None
    visit.open("/?view=bring")
    assert upload(visit, "ratings.csv", letterboxd_csv(films[:2], "2024-01-05", "3"))["already there"] == 2
    assert visit.page.evaluate(rating) is None


def ratings_with_typo(film: Film, day: str = "2024-01-05") -> str:
    """Return ratings of a known film and of one whose title has an extra letter."""
    return letterboxd_csv([film, film | {"title": f"{film['title']}x"}], day, "4.5")


def test_the_result_of_an_upload_is_shown_again_on_return(visit: PageVisit, films: list[Film]) -> None:
    """It stays after another view and after a reload, with the picked film. The next upload uses the pick."""
    page = visit.page
    visit.open("/?view=bring")
    assert upload(visit, "ratings.csv", ratings_with_typo(films[0])) == dict(
        zip(COUNTS, (2, 1, 0, 0, 0, 1), strict=True)
    )
    page.get_by_role("link", name="See your films").click()
    visit.settle()
    page.go_back()
    expect(page.get_by_role("heading", name="Films imported")).to_be_visible()
    page.locator(".unmatched").get_by_role("button", name=films[0]["title"]).first.click()
    page.reload()
    expect(page.locator(".counts dd").first).to_have_text("2")
    expect(page.locator(".unmatched li")).to_have_count(1)
    expect(page.locator(".unmatched").get_by_role("button", name="Another film")).to_be_visible()
    assert upload(visit, "ratings.csv", ratings_with_typo(films[0])) == dict(
        zip(COUNTS, (2, 0, 0, 2, 0, 0), strict=True)
    )
    expect(page.locator(".unmatched")).to_have_count(0)


def test_a_wrong_pick_can_be_undone(visit: PageVisit, films: list[Film]) -> None:
    """ "Undo" and the row both show the choice again. A pick has the export's date; the focus stays in the row."""
    page, row = visit.page, visit.page.locator(".unmatched li").first
    candidate = row.get_by_role("button", name=films[1]["title"]).first
    visit.open("/?view=bring")
    upload(visit, "ratings.csv", letterboxd_csv([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5"))
    candidate.click()
    expect(row.get_by_role("button", name="Another film")).to_be_focused()
    assert [(rated["movie"], rated["rating"], rated["time"]) for rated in visit.kept()["ratings"]] == [
        (films[1]["movie"], 4.5, 1704412800)
    ]
    page.get_by_role("button", name="Undo").click()
    expect(candidate).to_be_focused()
    assert visit.kept() == {}
    candidate.click()
    row.get_by_role("button", name="Another film").click()
    expect(candidate).to_be_focused()
    assert visit.kept() == {}


def test_undoing_a_pick_keeps_a_newer_rating(visit: PageVisit, films: list[Film]) -> None:
    """ "Another film" removes what the pick merged, and nothing else."""
    page, film = visit.page, films[1]
    visit.open("/?view=bring")
    upload(visit, "ratings.csv", letterboxd_csv([film | {"title": f"{film['title']}x"}], "2024-01-05", "2"))
    row = page.locator(".unmatched li").first
    row.get_by_role("button", name=film["title"]).first.click()
    expect(page.locator("#toast")).to_contain_text(film["title"])
    visit.open(f"/?view=film&movie={film['movie']}")
    page.locator(".stars").get_by_role("radio", name="5 of 5", exact=True).first.click()
    visit.open("/?view=bring")
    page.get_by_role("button", name="Another film").click()
    expect(row.get_by_role("button", name=film["title"]).first).to_be_visible()
    assert [(rated["movie"], rated["rating"]) for rated in visit.kept()["ratings"]] == [(film["movie"], 5)]


def test_a_table_can_be_read_again_after_a_pick(visit: PageVisit, films: list[Film]) -> None:
    """The merge of the first reading is undone, also if it is not the last change; the pick stays."""
    rows = [f"{films[0]['title']},{films[0]['year']},4", f"{films[1]['title']}x,{films[1]['year']},3"]
    visit.open("/?view=bring")
    upload(visit, "mine.csv", "\n".join(["title,year,rating", *rows]))
    visit.page.locator(".unmatched li").get_by_role("button", name=films[1]["title"]).first.click()
    form = visit.page.locator(".drop-place details")
    form.locator("summary").click()
    form.get_by_label("Highest rating").select_option("10")
    form.get_by_role("button", name="Read again").click()
    wait_for(lambda: [row["rating"] for row in visit.kept()["ratings"] if row["movie"] == films[0]["movie"]] == [2])
    assert {row["movie"] for row in visit.kept()["ratings"]} == {films[0]["movie"], films[1]["movie"]}


def test_a_pick_applies_to_all_rows_of_its_film(visit: PageVisit, films: list[Film]) -> None:
    """A film on the watchlist is not marked as seen."""
    unmatched = [films[2] | {"title": f"{films[2]['title']}x"}]
    files = {
        "watchlist.csv": letterboxd_csv(unmatched, "2024-01-05"),
        "likes/films.csv": letterboxd_csv(unmatched, "2024-01-05"),
    }
    visit.open("/?view=bring")
    assert upload(visit, "mine.zip", zip_files({"ratings.csv": letterboxd_csv([], "", "1"), **files}))["not found"] == 2
    visit.page.locator(".unmatched").get_by_role("button", name=films[2]["title"]).first.click()
    expect(visit.page.get_by_role("button", name="Another film")).to_have_count(2)
    stored = visit.kept()
    assert [[row["movie"] for row in stored[part]] for part in ("ratings", "hidden", "watchlist", "likes")] == [
        [], [], [films[2]["movie"]], [films[2]["movie"]]
    ]  # fmt: skip


def test_candidates_of_one_title_and_year_are_distinguished(visit: PageVisit, films: list[Film]) -> None:
    """By their genres, and by their IDs if those are equal."""
    twins = [{"movie": at, "title": "Saturn 3", "year": 1980, "genres": [genre]} for at, genre in enumerate("AAB")]
    unmatched = {"row": "2", "kind": "rating", "title": "Saturn", "year": 1980, "rating": 2, "time": None}
    counts = {"read": 1, "imported": 0, "updated": 0, "duplicates": 0, "skipped": [], "warnings": [], "source": "csv"}
    answer = counts | {"ratings": [], "events": {}, "unmatched": [unmatched | {"candidates": twins}]}
    visit.page.route("**/v1/imports*", lambda route: route.fulfill(json=answer))
    visit.open("/?view=bring")
    upload(visit, "mine.csv", "x")
    assert visit.page.locator(".unmatched .buttons > button").all_inner_texts() == [
        "Saturn 3 (1980) · A · no. 0", "Saturn 3 (1980) · A · no. 1", "Saturn 3 (1980) · B"
    ]  # fmt: skip


def test_all_certain_candidates_are_taken_at_once(visit: PageVisit, films: list[Film]) -> None:
    """The others stay open; newer films are counted apart. A title without a year is certain if it is the only one."""
    title, year = films[0]["title"].replace("F", "Ff"), films[0]["year"]
    rows = [f"2024-01-05,{title},{year},u,4", "2024-01-05,Funny,1900,u,3", "2024-01-05,Far Future,2090,u,4"]
    visit.open("/?view=bring")
    text = "\n".join([f"{LETTERBOXD},Rating", *rows, f"2024-01-05,{films[1]['title']},,u,2"])
    counts = upload(visit, "ratings.csv", text)
    assert (counts["new"], counts["not found"], counts["newer than the catalog"]) == (0, 3, 1)
    visit.page.get_by_role("button", name="Accept all certain matches (2)").click()
    expect(visit.page.get_by_role("button", name="Another film")).to_have_count(2)
    expect(visit.page.get_by_role("button", name="Take all")).to_have_count(0)
    assert {row["movie"]: row["rating"] for row in visit.kept()["ratings"]} == {
        films[0]["movie"]: 4,
        films[1]["movie"]: 2,
    }


def test_the_command_accepts_the_downloaded_list_of_unmatched_rows(
    visit: PageVisit, films: list[Film], page_model: Path, tmp_path: Path
) -> None:
    """It has the columns of `import --unmatched` and the picked films; `--pick` matches these rows."""
    file, unmatched_file = tmp_path / "ratings.csv", tmp_path / "misses.csv"
    file.write_text(ratings_with_typo(films[0]), "utf-8")
    store = f"sqlite:///{tmp_path}/store.db"
    arguments = ["import", str(file), "--user", "ann", "--model", str(page_model), "--db", store]
    runner = CliRunner()
    assert runner.invoke(app, [*arguments, "--unmatched", str(unmatched_file)]).exit_code == EXIT_PARTIAL
    visit.open("/?view=bring")
    upload(visit, "ratings.csv", file.read_text("utf-8"))

    def download() -> Path:
        with visit.page.expect_download() as saved:
            visit.page.get_by_role("button", name="Download this list").click()
        return Path(saved.value.path())

    page, command = ([*csv.DictReader(path.read_text("utf-8").splitlines())] for path in (download(), unmatched_file))
    assert page == command
    visit.page.locator(".unmatched").get_by_role("button", name=films[0]["title"]).first.click()
    result = runner.invoke(app, [*arguments, "--pick", str(download())])
    assert (result.exit_code, result.output.count("0 unmatched")) == (0, 1)


def test_marks_are_shown_and_removed_in_the_films_view(visit: PageVisit, films: list[Film]) -> None:
    """The button is pressed, also after a reload. A second press removes the mark; a rated film has no such button.

    A film has one mark: on the watchlist it is no longer hidden, and once hidden it isn't on the watchlist.
    """
    page, movie = visit.page, films[4]["movie"]
    seen = page.locator(".film").get_by_role("button", name="Seen")
    visit.open(f"/?view=film&movie={movie}")
    seen.click()
    expect(seen).to_be_focused()
    page.reload()
    expect(seen).to_have_attribute("aria-pressed", "true")
    page.locator(".film").get_by_role("button", name="Not for me").click()
    expect(seen).to_have_attribute("aria-pressed", "false")
    assert [row["kind"] for row in visit.kept()["hidden"]] == ["not_interested"]
    page.locator(".film").get_by_role("button", name="Not for me").click()
    expect(page.locator(".film [aria-pressed=true]")).to_have_count(0)
    assert visit.kept() == {}
    watchlist = page.locator(".film").get_by_role("button", name="Watchlist")
    seen.click()
    watchlist.click()
    expect(watchlist).to_have_attribute("aria-pressed", "true")
    expect(seen).to_have_attribute("aria-pressed", "false")
    assert ([row["movie"] for row in visit.kept()["watchlist"]], visit.kept()["hidden"]) == ([movie], [])
    page.get_by_role("radio", name="4 of 5", exact=True).first.click()
    expect(seen).to_have_count(0)
    expect(watchlist).to_have_count(0)
    assert visit.kept()["watchlist"] == []
    page.get_by_role("button", name="Undo").click()
    expect(watchlist).to_have_attribute("aria-pressed", "true")


def test_films_of_a_history_too_long_for_a_request_are_hidden(visit: PageVisit, films: list[Film]) -> None:
    """The newest ratings count, in any order of arrival. Older films are hidden and exported, and a note says so."""
    many = [{"movie": 10**6 + at, "title": f"Film {at}", "year": 2000, "genres": []} for at in range(5000)]
    preload_history(visit, [*films[:2], *many])
    with visit.page.expect_request("**/v1/profile") as request:
        visit.open("/?view=profile")
    body = request.value.post_data_json
    assert (len(body["ratings"]), body["hidden"]) == (5000, [film["movie"] for film in films[:2]])
    expect(visit.page.get_by_text("The newest 5,000 of your 5,002 films count")).to_be_visible()
    saved: list[Download] = []
    visit.page.on("download", lambda download: saved.append(download))
    visit.page.get_by_role("button", name="Export my ratings").click()
    wait_for(lambda: visit.page.wait_for_timeout(50) or len(saved) == 2)
    assert films[0]["title"] in Path(saved[0].path()).read_text("utf-8")


def test_a_group_is_restored_after_another_view(visit: PageVisit, films: list[Film]) -> None:
    """The vetoes and the method stay; the form closes once a friend is added."""
    page, names = visit.page, ["Ada", "Bob", "Cyd", "Dan", "Eve", "Flo"]
    friends = [
        {"name": name, "ratings": [film | {"rating": 5}], "hidden": []}
        for name, film in zip(names, films[:6], strict=True)
    ]
    visit.context.add_init_script(
        f"sessionStorage.getItem('cinematrix-friends') ?? "
        f"sessionStorage.setItem('cinematrix-friends', {json.dumps(json.dumps(friends))})"
    )
    visit.open("/?view=together")
    page.get_by_text("Add a friend").click()
    page.get_by_label("Name", exact=True).fill("Grace")
    page.locator(".friend-taste").get_by_role("combobox").fill("scary 11")
    page.locator(".friend-taste").get_by_role("option").first.click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".people-here li")).to_have_count(8)
    expect(page.locator(".add[open]")).to_have_count(0)
    expect(page.get_by_text("Add a friend")).to_be_focused()
    expect(page.locator(".opinions").first).to_be_hidden()
    page.get_by_role("button", name="Nobody unhappy").click()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    visit.settle()
    assert page.evaluate("document.documentElement.scrollHeight") < 3000
    movie = page.locator(".group-film").first.get_attribute("data-movie")
    page.locator(".group-film").first.get_by_role("button", name="Veto").click()
    page.locator(".group-film h2 a").nth(1).click()
    expect(page.locator(".film")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Undo the veto")).to_be_visible()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(0)


def test_a_custom_table_is_read_with_the_users_columns(visit: PageVisit, films: list[Film]) -> None:
    """Unknown columns are offered for mapping by their names; the highest rating sets the scale."""
    page, form = visit.page, visit.page.locator(".drop-place details")
    rows = "".join(f'"{film["title"]}";{film["year"]};4\n' for film in films[:2])
    table = {"name": "mine.csv", "mimeType": "text/csv", "buffer": f'"Der Film";Jahr;"Meine ""Note"""\n{rows}'.encode()}
    visit.open("/?view=bring")
    page.set_input_files("#file", [table])  # type: ignore[list-item]
    expect(page.get_by_role("alert")).to_contain_text("name the columns")
    expect(form.get_by_role("button", name="Read again")).to_be_visible()
    form.get_by_label("Title").select_option("Der Film")
    form.get_by_label("Year").select_option("Jahr")
    form.get_by_label("Rating", exact=True).select_option('Meine "Note"')
    form.get_by_role("button", name="Read again").click()
    expect(page.locator(".counts dd").nth(1)).to_have_text("2")
    assert [row["rating"] for row in visit.kept()["ratings"]] == [4, 4]
    form.get_by_label("Highest rating").select_option("10")
    form.get_by_role("button", name="Read again").click()
    expect(page.locator(".drop.busy")).to_have_count(0)
    expect(page.locator(".counts dd").nth(1)).to_have_text("2")
    assert [row["rating"] for row in visit.kept()["ratings"]] == [2, 2]
    visit.errors[:] = [error for error in visit.errors if "422" not in error]


def test_a_deleted_rating_returns_with_a_pick(visit: PageVisit, films: list[Film]) -> None:
    """Undoing the pick deletes it again, and the row is open again."""
    row = visit.page.locator(".unmatched li").first
    candidate = row.get_by_role("button", name=films[1]["title"]).first
    deletion = {"movie": films[1]["movie"], "time": 1.8e9}
    preload_history(visit, [], gone=[deletion])
    visit.open("/?view=bring")
    upload(visit, "ratings.csv", letterboxd_csv([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5"))
    candidate.click()
    expect(row.get_by_role("button", name="Another film")).to_be_visible()
    assert [rated["rating"] for rated in visit.kept()["ratings"]] == [4.5]
    visit.page.get_by_role("button", name="Undo").click()
    expect(candidate).to_be_visible()
    assert visit.kept()["gone"] == [deletion]


def test_a_pick_is_stored_in_the_account_and_reused(visit: PageVisit, films: list[Film]) -> None:
    """With the export's date. After a reload the row is unchanged, and the tab uses the pick for the next upload."""
    page, ratings_url = visit.page, f"{visit.url}/v1/users/bea/ratings"
    httpx2.put(f"{ratings_url}/{films[5]['movie']}", json={"rating": 5})
    token = httpx2.post(f"{visit.url}/v1/tokens", json={"user": "bea"}).json()["token"]
    visit.open(f"/?view=bring#token={token}")
    unmatched = letterboxd_csv([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5")
    assert upload(visit, "ratings.csv", unmatched)["not found"] == 1
    lacking = f"{visit.url}/v1/users/bea/unmatched"
    assert len(httpx2.get(lacking).json()["films"]) == 1
    page.locator(".unmatched").get_by_role("button", name=films[1]["title"]).first.click()
    wait_for(lambda: page.wait_for_timeout(20) or httpx2.get(lacking).json()["films"] == [])

    def stored() -> dict[Any, tuple[float, int]]:
        return {row["movie"]: (row["rating"], row["time"]) for row in httpx2.get(ratings_url).json()["ratings"]}

    wait_for(lambda: page.wait_for_timeout(20) or stored().get(films[1]["movie"]) == (4.5, 1704412800))
    visit.settle()
    page.reload()
    expect(page.get_by_role("button", name="Another film")).to_be_visible()
    assert upload(visit, "ratings.csv", unmatched) == dict(zip(COUNTS, (1, 0, 0, 1, 0, 0), strict=True))
    assert visit.kept() == {}


def test_a_failed_undo_can_be_retried(visit: PageVisit, films: list[Film]) -> None:
    """A failed undo stays available, and so do the earlier ones."""
    page, film = visit.page, films[3]
    token = httpx2.post(f"{visit.url}/v1/tokens", json={"user": "max"}).json()["token"]
    visit.open(f"/?view=film&movie={film['movie']}#token={token}")

    def rated() -> float | None:
        rows = httpx2.get(f"{visit.url}/v1/users/max/ratings").json()["ratings"]
        return next((row["rating"] for row in rows), None)

    for stars in (4, 3):
        page.locator(".stars").get_by_role("radio", name=f"{stars} of 5", exact=True).first.click()
        wait_for(lambda stars=stars: rated() == stars)
    problem = {"status": 503, "body": "{}", "content_type": "application/problem+json"}
    page.route("**/v1/users/max/changes", lambda route: route.fulfill(**problem))
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("Not saved")
    page.unroute("**/v1/users/max/changes")
    for stars in (4, None):
        page.keyboard.press("Control+z")
        wait_for(lambda stars=stars: rated() == stars)
    visit.errors[:] = [error for error in visit.errors if "503" not in error]
