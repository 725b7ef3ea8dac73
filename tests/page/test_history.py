"""What a stranger's browser keeps of her: what she brings and says, how she sees it again, and that it goes."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Download, Route, expect
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
    """Comedies, as the search finds them."""
    found: list[Film] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 12}).json()["items"]
    return found


def remember(stay: PageVisit, films: Sequence[Film], **more: list[Film]) -> None:
    """Put ratings of four stars, rated long ago, into the browser before the page opens for the first time."""
    kept = {"ratings": [film | {"rating": 4, "time": at} for at, film in enumerate(films)], **more}
    text = json.dumps(json.dumps(kept))
    stay.context.add_init_script(
        f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
    )


def test_deleting_everything_leaves_nothing_in_the_tab(stay: PageVisit, films: list[Film]) -> None:
    """Neither her last list, which would come back without connection, nor her friends."""
    remember(stay, films[:3])
    stay.open()
    friend = json.dumps([{"name": "Ada", "ratings": [], "hidden": []}])
    stay.page.evaluate(f"sessionStorage.setItem('cinematrix-friends', '{friend}')")
    assert stay.page.evaluate("Object.keys(sessionStorage).length") == 2
    stay.open("/?view=profile")
    stay.page.get_by_role("button", name="Delete everything").click()
    stay.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(stay.page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
    assert stay.page.evaluate("Object.keys(sessionStorage)") == []


LETTERBOXD = "Date,Name,Year,Letterboxd URI"
COUNTS = ("rows read", "new", "changed", "there already", "left out", "not found")


def letterboxd(films: Sequence[Film], day: str, rating: str = "") -> str:
    """A file of Letterboxd's, with ratings or without."""
    head, tail = (f"{LETTERBOXD},Rating", f",{rating}") if rating else (LETTERBOXD, "")
    rows = (f"{day},{film['title']},{film['year']},https://boxd.it/x{tail}\n" for film in films)
    return f"{head}\n{''.join(rows)}"


def bring(stay: PageVisit, name: str, content: str | bytes) -> dict[str, int]:
    """Upload a file; what the page says came of its rows."""
    stay.page.evaluate("document.querySelector('.result')?.remove()")
    buffer = content if isinstance(content, bytes) else content.encode()
    stay.page.set_input_files("#file", [{"name": name, "mimeType": "text/csv", "buffer": buffer}])
    stay.page.locator(".result").wait_for()
    counts = stay.page.locator(".counts dd").all_inner_texts()
    return dict(zip(COUNTS, map(int, counts), strict=True))


def test_an_upload_is_counted_and_comes_in_once(stay: PageVisit, films: list[Film]) -> None:
    """Ratings, films seen, watchlist and likes are kept, and the same again changes nothing: as an account has it."""
    export = zip_files(
        {
            "ratings.csv": letterboxd(films[:2], "2024-01-05", "4.5"),
            "watched.csv": letterboxd(films[:3], "2024-01-05"),
            "watchlist.csv": letterboxd(films[3:5], "2024-01-05"),
            "likes/films.csv": letterboxd(films[:1], "2024-01-05"),
        }
    )
    stay.open("/?view=bring")
    assert bring(stay, "mine.zip", export) == dict(zip(COUNTS, (8, 6, 0, 2, 0, 0), strict=True))
    expect(stay.page.get_by_role("heading", name="There they are")).to_be_visible()
    kept = stay.kept()
    named = {part: [row["movie"] for row in kept[part]] for part in ("ratings", "hidden", "watchlist", "likes")}
    ids = [film["movie"] for film in films]
    assert named == {"ratings": ids[:2], "hidden": ids[2:3], "watchlist": ids[3:5], "likes": ids[:1]}
    stay.page.reload()
    assert bring(stay, "mine.zip", export) == dict(zip(COUNTS, (8, 0, 0, 8, 0, 0), strict=True))
    accounts = [httpx2.post(f"{stay.url}/v1/users/ann/imports", content=export).json() for _ in range(2)]
    assert [[row[name] for name in ("imported", "updated", "duplicates")] for row in accounts] == [[6, 0, 2], [0, 0, 8]]
    expect(stay.page.get_by_role("heading", name="Nothing new in it")).to_be_visible()
    assert stay.kept() == kept


def test_the_newest_rating_wins_in_the_browser_too(stay: PageVisit, films: list[Film]) -> None:
    """An older or undated upload replaces neither what she rated since nor what she took back; a newer one does."""
    remember(stay, films[:1])
    stay.open("/?view=bring")
    movie = films[0]["movie"]
    rating = f"JSON.parse(localStorage.getItem('{HISTORY_KEY}')).ratings.find(row => row.movie === {movie})?.rating"
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2024-01-05", "3"))["changed"] == 1
    assert stay.page.evaluate(rating) == 3
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2023-01-05", "1.5"))["there already"] == 2
    undated = f"title,year,rating\n{films[0]['title']},{films[0]['year']},2\n"
    assert bring(stay, "mine.csv", undated)["there already"] == 1
    assert stay.page.evaluate(rating) == 3
    stay.open(f"/?view=film&movie={films[0]['movie']}")
    stay.page.get_by_role("radio", name="3 of 5", exact=True).first.click()
    assert stay.page.evaluate(rating) is None
    stay.open("/?view=bring")
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2024-01-05", "3"))["there already"] == 2
    assert stay.page.evaluate(rating) is None


def missing(film: Film, day: str = "2024-01-05") -> str:
    """Ratings of a film that is there, and of one whose title has a letter too many."""
    return letterboxd([film, film | {"title": f"{film['title']}x"}], day, "4.5")


def test_the_result_of_an_upload_is_there_when_she_comes_back(stay: PageVisit, films: list[Film]) -> None:
    """After a look at her films and after a reload, with what she picked; the next upload doesn't ask for it again."""
    page = stay.page
    stay.open("/?view=bring")
    assert bring(stay, "ratings.csv", missing(films[0])) == dict(zip(COUNTS, (2, 1, 0, 0, 0, 1), strict=True))
    page.get_by_role("link", name="See your films").click()
    stay.settle()
    page.go_back()
    expect(page.get_by_role("heading", name="There they are")).to_be_visible()
    page.locator(".unmatched").get_by_role("button", name=films[0]["title"]).first.click()
    page.reload()
    expect(page.locator(".counts dd").first).to_have_text("2")
    expect(page.locator(".unmatched li")).to_have_count(1)
    expect(page.locator(".unmatched").get_by_role("button", name="Another film")).to_be_visible()
    assert bring(stay, "ratings.csv", missing(films[0])) == dict(zip(COUNTS, (2, 0, 0, 2, 0, 0), strict=True))
    expect(page.locator(".unmatched")).to_have_count(0)


def test_a_wrong_pick_is_mended(stay: PageVisit, films: list[Film]) -> None:
    """Undo gives the choice again, and so does the row; a pick has the export's day, and the focus stays near."""
    page, row = stay.page, stay.page.locator(".unmatched li").first
    near = row.get_by_role("button", name=films[1]["title"]).first
    stay.open("/?view=bring")
    bring(stay, "ratings.csv", letterboxd([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5"))
    near.click()
    expect(row.get_by_role("button", name="Another film")).to_be_focused()
    assert [(rated["movie"], rated["rating"], rated["time"]) for rated in stay.kept()["ratings"]] == [
        (films[1]["movie"], 4.5, 1704412800)
    ]
    page.get_by_role("button", name="Undo").click()
    expect(near).to_be_focused()
    assert stay.kept() == {}
    near.click()
    row.get_by_role("button", name="Another film").click()
    expect(near).to_be_focused()
    assert stay.kept() == {}


def test_a_rating_given_since_outlives_its_pick(stay: PageVisit, films: list[Film]) -> None:
    """Another film than the one picked takes back what the pick brought, and no more."""
    page, film = stay.page, films[1]
    stay.open("/?view=bring")
    bring(stay, "ratings.csv", letterboxd([film | {"title": f"{film['title']}x"}], "2024-01-05", "2"))
    row = page.locator(".unmatched li").first
    row.get_by_role("button", name=film["title"]).first.click()
    expect(page.locator("#toast")).to_contain_text(film["title"])
    stay.open(f"/?view=film&movie={film['movie']}")
    page.locator(".stars").get_by_role("radio", name="5 of 5", exact=True).first.click()
    stay.open("/?view=bring")
    page.get_by_role("button", name="Another film").click()
    expect(row.get_by_role("button", name=film["title"]).first).to_be_visible()
    assert [(rated["movie"], rated["rating"]) for rated in stay.kept()["ratings"]] == [(film["movie"], 5)]


def test_a_table_is_read_anew_after_a_pick(stay: PageVisit, films: list[Film]) -> None:
    """What its first reading brought goes, wherever that stands among what was done since; the pick stays."""
    rows = [f"{films[0]['title']},{films[0]['year']},4", f"{films[1]['title']}x,{films[1]['year']},3"]
    stay.open("/?view=bring")
    bring(stay, "mine.csv", "\n".join(["title,year,rating", *rows]))
    stay.page.locator(".unmatched li").get_by_role("button", name=films[1]["title"]).first.click()
    form = stay.page.locator(".drop-place details")
    form.locator("summary").click()
    form.get_by_label("The best rating is").select_option("10")
    form.get_by_role("button", name="Read it so").click()
    wait_for(lambda: [row["rating"] for row in stay.kept()["ratings"] if row["movie"] == films[0]["movie"]] == [2])
    assert {row["movie"] for row in stay.kept()["ratings"]} == {films[0]["movie"], films[1]["movie"]}


def test_a_pick_says_what_all_rows_of_its_film_say(stay: PageVisit, films: list[Film]) -> None:
    """A film on the watchlist isn't one that was seen."""
    lost = [films[2] | {"title": f"{films[2]['title']}x"}]
    files = {"watchlist.csv": letterboxd(lost, "2024-01-05"), "likes/films.csv": letterboxd(lost, "2024-01-05")}
    stay.open("/?view=bring")
    assert bring(stay, "mine.zip", zip_files({"ratings.csv": letterboxd([], "", "1"), **files}))["not found"] == 2
    stay.page.locator(".unmatched").get_by_role("button", name=films[2]["title"]).first.click()
    expect(stay.page.get_by_role("button", name="Another film")).to_have_count(2)
    kept = stay.kept()
    assert [[row["movie"] for row in kept[part]] for part in ("ratings", "hidden", "watchlist", "likes")] == [
        [], [], [films[2]["movie"]], [films[2]["movie"]]
    ]  # fmt: skip


def test_candidates_of_one_title_and_year_are_told_apart(stay: PageVisit, films: list[Film]) -> None:
    """By their genres, or where those are the same by their IDs."""
    twins = [{"movie": at, "title": "Saturn 3", "year": 1980, "genres": [genre]} for at, genre in enumerate("AAB")]
    lost = {"row": "2", "kind": "rating", "title": "Saturn", "year": 1980, "rating": 2, "time": None}
    counts = {"read": 1, "imported": 0, "updated": 0, "duplicates": 0, "skipped": [], "warnings": [], "source": "csv"}
    answer = counts | {"ratings": [], "events": {}, "unmatched": [lost | {"candidates": twins}]}
    stay.page.route("**/v1/imports*", lambda route: route.fulfill(json=answer))
    stay.open("/?view=bring")
    bring(stay, "mine.csv", "x")
    assert stay.page.locator(".unmatched .buttons > button").all_inner_texts() == [
        "Saturn 3 (1980) · no. 0", "Saturn 3 (1980) · no. 1", "Saturn 3 (1980) · B"
    ]  # fmt: skip


def test_the_list_of_what_was_not_found_is_one_that_the_command_takes(
    stay: PageVisit, films: list[Film], page_model: Path, tmp_path: Path
) -> None:
    """In the columns of `import --unmatched`, with what she picked; `--pick` has these rows matched."""
    file, misses = tmp_path / "ratings.csv", tmp_path / "misses.csv"
    file.write_text(missing(films[0]), "utf-8")
    words = ["import", str(file), "--user", "ann", "--model", str(page_model), "--db", f"sqlite:///{tmp_path}/store.db"]
    runner = CliRunner()
    assert runner.invoke(app, [*words, "--unmatched", str(misses)]).exit_code == EXIT_PARTIAL
    stay.open("/?view=bring")
    bring(stay, "ratings.csv", file.read_text("utf-8"))

    def downloaded() -> Path:
        with stay.page.expect_download() as saved:
            stay.page.get_by_role("button", name="Download this list").click()
        return Path(saved.value.path())

    page, command = ([*csv.DictReader(path.read_text("utf-8").splitlines())] for path in (downloaded(), misses))
    assert page == command
    stay.page.locator(".unmatched").get_by_role("button", name=films[0]["title"]).first.click()
    result = runner.invoke(app, [*words, "--pick", str(downloaded())])
    assert (result.exit_code, result.output.count("0 unmatched")) == (0, 1)


def test_what_she_set_aside_is_shown_and_taken_back_on_the_films_page(stay: PageVisit, films: list[Film]) -> None:
    """The button is pressed, after a reload too; another press takes it back, and a rating needs neither button."""
    page, movie = stay.page, films[4]["movie"]
    seen = page.locator(".film").get_by_role("button", name="Seen")
    stay.open(f"/?view=film&movie={movie}")
    seen.click()
    expect(seen).to_be_focused()
    page.reload()
    expect(seen).to_have_attribute("aria-pressed", "true")
    page.locator(".film").get_by_role("button", name="Not for me").click()
    expect(seen).to_have_attribute("aria-pressed", "false")
    assert [row["kind"] for row in stay.kept()["hidden"]] == ["not_interested"]
    page.locator(".film").get_by_role("button", name="Not for me").click()
    expect(page.locator(".film [aria-pressed=true]")).to_have_count(0)
    assert stay.kept() == {}
    page.get_by_role("radio", name="4 of 5", exact=True).first.click()
    expect(seen).to_have_count(0)


def test_the_profile_lists_what_she_set_aside(stay: PageVisit, films: list[Film]) -> None:
    """By title, also of films that an upload told by ID alone; what she takes back goes, and the next has the focus."""
    page = stay.page
    files = {
        name: letterboxd(films[at : at + 3], "2024-01-05") for at, name in ((0, "watched.csv"), (3, "watchlist.csv"))
    }
    stay.open("/?view=bring")
    bring(stay, "mine.zip", zip_files({"ratings.csv": letterboxd([], "", "1"), **files}))
    stay.open("/?view=profile")
    expect(page.get_by_text("On your watchlist: 3 films")).to_be_visible()
    expect(page.get_by_text("Not for you")).to_be_hidden()
    page.get_by_text("Seen: 3 films").click()
    titles = page.locator("details[open] li a")
    expect(titles).to_have_text([film["title"] for film in films[:3]])
    page.get_by_role("button", name=f"Take back: {films[1]['title']}", exact=True).click()
    expect(titles).to_have_text([films[0]["title"], films[2]["title"]])
    expect(page.get_by_role("button", name=f"Take back: {films[2]['title']}", exact=True)).to_be_focused()
    assert [row["movie"] for row in stay.kept()["hidden"]] == [films[0]["movie"], films[2]["movie"]]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Seen: 3 films")).to_be_visible()


def test_what_she_has_not_seen_is_not_asked_after_a_reload(stay: PageVisit) -> None:
    """Until the tab is closed."""
    asked = stay.page.locator(".question h2")
    stay.open("/?view=questions")
    before = asked.inner_text()
    stay.page.get_by_role("button", name="Haven’t seen it").click()
    expect(asked).not_to_have_text(before)
    after = asked.inner_text()
    stay.page.reload()
    expect(asked).to_have_text(after)


def test_a_late_question_takes_no_newer_ones_place(stay: PageVisit, films: list[Film]) -> None:
    """Of two answers the one to what she said last stays, whichever comes first."""
    asked = stay.page.locator(".question h2")
    held: list[Route] = []
    stay.open("/?view=questions")
    before = asked.inner_text()
    stay.page.route("**/v1/questions", lambda route: held.append(route), times=1)
    stay.page.get_by_role("button", name="Haven’t seen it").click()
    stay.page.get_by_role("button", name="Haven’t seen it").click()
    expect(asked).not_to_have_text(before)
    after = asked.inner_text()
    held[0].fulfill(json=films[0] | {"seen_chance": 0.5, "asked": 1})
    stay.page.wait_for_timeout(300)
    expect(asked).to_have_text(after)


def test_films_of_a_history_too_long_for_a_question_do_not_come_up_again(stay: PageVisit, films: list[Film]) -> None:
    """The newest ratings count, whatever order they came in; the older are hidden, exported, and she is told."""
    many = [{"movie": 10**6 + at, "title": f"Film {at}", "year": 2000, "genres": []} for at in range(5000)]
    remember(stay, [*films[:2], *many])
    with stay.page.expect_request("**/v1/profile") as asked:
        stay.open("/?view=profile")
    body = asked.value.post_data_json
    assert (len(body["ratings"]), body["hidden"]) == (5000, [film["movie"] for film in films[:2]])
    expect(stay.page.get_by_text("The newest 5,000 of your 5,002 films count")).to_be_visible()
    saved: list[Download] = []
    stay.page.on("download", lambda download: saved.append(download))
    stay.page.get_by_role("button", name="Export my ratings").click()
    wait_for(lambda: stay.page.wait_for_timeout(50) or len(saved) == 2)
    assert films[0]["title"] in Path(saved[0].path()).read_text("utf-8")


def test_an_evening_is_as_it_was_after_a_look_at_a_film(stay: PageVisit, films: list[Film]) -> None:
    """The veto and the way of choosing stay; the form closes once a friend is added."""
    page, names = stay.page, ["Ada", "Bob", "Cyd", "Dan", "Eve", "Flo"]
    friends = [
        {"name": name, "ratings": [film | {"rating": 5}], "hidden": []}
        for name, film in zip(names, films[:6], strict=True)
    ]
    stay.context.add_init_script(
        f"sessionStorage.getItem('cinematrix-friends') ?? "
        f"sessionStorage.setItem('cinematrix-friends', {json.dumps(json.dumps(friends))})"
    )
    stay.open("/?view=together")
    page.get_by_text("Add somebody").click()
    page.get_by_label("Name", exact=True).fill("Grace")
    page.locator(".friend-taste").get_by_role("combobox").fill("scary 11")
    page.locator(".friend-taste").get_by_role("option").first.click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".people-here li")).to_have_count(8)
    expect(page.locator(".add[open]")).to_have_count(0)
    expect(page.get_by_text("Add somebody")).to_be_focused()
    expect(page.locator(".opinions").first).to_be_hidden()
    page.get_by_role("button", name="Nobody unhappy").click()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    stay.settle()
    assert page.evaluate("document.documentElement.scrollHeight") < 3000
    movie = page.locator(".group-film").first.get_attribute("data-movie")
    page.locator(".group-film").first.get_by_role("button", name="Veto").click()
    page.locator(".group-film h2 a").nth(1).click()
    expect(page.locator(".film")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Take back the veto")).to_be_visible()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(0)


def test_a_table_of_her_own_is_read_as_she_says(stay: PageVisit, films: list[Film]) -> None:
    """Where its columns aren't known they are offered, as the file names them; the best rating says the scale."""
    page, form = stay.page, stay.page.locator(".drop-place details")
    rows = "".join(f'"{film["title"]}";{film["year"]};4\n' for film in films[:2])
    table = {"name": "mine.csv", "mimeType": "text/csv", "buffer": f'"Der Film";Jahr;"Meine ""Note"""\n{rows}'.encode()}
    stay.open("/?view=bring")
    page.set_input_files("#file", [table])  # type: ignore[list-item]
    expect(page.get_by_role("alert")).to_contain_text("name the columns")
    expect(form.get_by_role("button", name="Read it so")).to_be_visible()
    form.get_by_label("Title").select_option("Der Film")
    form.get_by_label("Year").select_option("Jahr")
    form.get_by_label("Rating", exact=True).select_option('Meine "Note"')
    form.get_by_role("button", name="Read it so").click()
    expect(page.locator(".counts dd").nth(1)).to_have_text("2")
    assert [row["rating"] for row in stay.kept()["ratings"]] == [4, 4]
    form.get_by_label("The best rating is").select_option("10")
    form.get_by_role("button", name="Read it so").click()
    expect(page.locator(".drop.busy")).to_have_count(0)
    expect(page.locator(".counts dd").nth(1)).to_have_text("2")
    assert [row["rating"] for row in stay.kept()["ratings"]] == [2, 2]
    stay.errors[:] = [error for error in stay.errors if "422" not in error]


def test_a_film_taken_back_and_then_picked_is_hers_again(stay: PageVisit, films: list[Film]) -> None:
    """Until she takes it back once more: then the row is open again, as it is when the pick is undone."""
    row = stay.page.locator(".unmatched li").first
    near = row.get_by_role("button", name=films[1]["title"]).first
    gone = {"movie": films[1]["movie"], "time": 1.8e9}
    remember(stay, [], gone=[gone])
    stay.open("/?view=bring")
    bring(stay, "ratings.csv", letterboxd([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5"))
    near.click()
    expect(row.get_by_role("button", name="Another film")).to_be_visible()
    assert [rated["rating"] for rated in stay.kept()["ratings"]] == [4.5]
    stay.page.get_by_role("button", name="Undo").click()
    expect(near).to_be_visible()
    assert stay.kept()["gone"] == [gone]


def test_a_pick_goes_into_the_account_and_is_not_asked_for_again(stay: PageVisit, films: list[Film]) -> None:
    """With the export's day; after a reload the row is as she left it, and her tab remembers for the next upload."""
    page, mine = stay.page, f"{stay.url}/v1/users/bea/ratings"
    httpx2.put(f"{mine}/{films[5]['movie']}", json={"rating": 5})
    token = httpx2.post(f"{stay.url}/v1/tokens", json={"user": "bea"}).json()["token"]
    stay.open(f"/?view=bring#token={token}")
    lost = letterboxd([films[1] | {"title": f"{films[1]['title']}x"}], "2024-01-05", "4.5")
    assert bring(stay, "ratings.csv", lost)["not found"] == 1
    page.locator(".unmatched").get_by_role("button", name=films[1]["title"]).first.click()
    stay.settle()
    kept = {row["movie"]: (row["rating"], row["time"]) for row in httpx2.get(mine).json()["ratings"]}
    assert kept[films[1]["movie"]] == (4.5, 1704412800)
    page.reload()
    expect(page.get_by_role("button", name="Another film")).to_be_visible()
    assert bring(stay, "ratings.csv", lost) == dict(zip(COUNTS, (1, 0, 0, 1, 0, 0), strict=True))
    assert stay.kept() == {}


def test_what_an_account_refuses_to_take_back_can_be_tried_again(stay: PageVisit, films: list[Film]) -> None:
    """An undo that fails is still there, and so is what was done before it."""
    page, film = stay.page, films[3]
    token = httpx2.post(f"{stay.url}/v1/tokens", json={"user": "max"}).json()["token"]
    stay.open(f"/?view=film&movie={film['movie']}#token={token}")

    def rated() -> float | None:
        rows = httpx2.get(f"{stay.url}/v1/users/max/ratings").json()["ratings"]
        return next((row["rating"] for row in rows), None)

    for stars in (4, 3):
        page.locator(".stars").get_by_role("radio", name=f"{stars} of 5", exact=True).first.click()
        wait_for(lambda stars=stars: rated() == stars)
    page.route("**/v1/users/max/ratings/**", lambda route: route.abort())
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("Not kept")
    page.unroute("**/v1/users/max/ratings/**")
    for stars in (4, None):
        page.keyboard.press("Control+z")
        wait_for(lambda stars=stars: rated() == stars)
    stay.errors[:] = [error for error in stay.errors if "ERR_FAILED" not in error]
