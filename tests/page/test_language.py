"""Tests of the page in German: one evening on a phone, in which no English is left and nothing overflows."""

import re
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, expect

from page_world import PageVisit, open_visit

WIDTH = 360
"""Width of the phone in pixels."""

ENGLISH = re.compile(
    r"\b(the|of|and|your?|yours|with|ratings?|stars?|seen|watch\w*|for|from|is|are|isn|can|not|no|to|this|these|"
    r"that|by|or|more|all|on|what|who|it|its|has|have|people|movies?|error|server can|because|both|again|open|close)\b",
    re.IGNORECASE,
)
"""Words that German doesn't have."""

NAMES = re.compile(r"/v1/\S+|imdb_id|(movie|title|year|rating|date|genres)(, | und )")
"""Names of routes and columns."""

SAID = """() => {
  const own = (node) => !node.parentElement.closest("bdi, script, style, noscript, [lang=en], .drop-place option");
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (own(walker.currentNode)) texts.push(walker.currentNode.data);
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const each of document.querySelectorAll(`[${name}]`)) texts.push(each.getAttribute(name));
  return [document.title, ...texts].filter((text) => text.trim());
}"""
"""Script that returns all texts of the page but names of films, people and columns."""

EXPORT = "title,year,rating,type\nFunny 20,2000,4,movie\nFunny 21,,3,movie\nGibtsnicht,1950,5,movie\nSerie,2000,3,tv\n"


@pytest.fixture
def german(browser: Browser, url: str) -> Iterator[PageVisit]:
    """Visit by a browser whose first language that the page has is German, as written in Austria."""
    viewport = {"width": WIDTH, "height": 740}
    with open_visit(browser, url, viewport=viewport, locale="de-AT", timezone_id="Europe/Vienna") as visit:
        yield visit


def faults(visit: PageVisit, heading: str) -> dict[str, list[str]]:
    """Return the texts of a view that have English words, and its width if that is more than the phone's."""
    visit.settle()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(heading)
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    english = {text: found for text in visit.page.evaluate(SAID) if (found := ENGLISH.findall(NAMES.sub("", text)))}
    return english | ({heading: [f"{width} pixels"]} if width > WIDTH else {})


def test_an_evening_in_german(german: PageVisit) -> None:
    """From the first tap to an import and an error; then English is chosen, and stays."""
    page, found = german.page, dict[str, list[str]]()
    german.open()
    assert page.evaluate("document.documentElement.lang") == "de"
    found |= faults(german, "Was schaust du heute Abend?")
    for at in range(5):
        page.locator(".tile-tap[aria-label^=Funny]").nth(at).click()
    page.get_by_role("button", name="Meine Filme").click()
    found |= faults(german, "Für dich")
    expect(page.get_by_role("heading", name="Für dich: Komödie")).to_be_visible()
    expect(page.locator(".because").first).to_contain_text(re.compile(r"^Weil du .+ mit 4\s★ bewertet hast"))
    expect(page.locator(".expected-stars").first).to_have_text(re.compile(r"^\d,\d$"))
    page.locator(".feature").get_by_role("button", name="Merkliste").click()
    expect(page.locator("#toast")).to_contain_text("auf deiner Merkliste.")
    page.locator(".feature h2 a").click()
    expect(page.get_by_role("heading", name="So wurde er bewertet")).to_be_visible()
    german.settle()
    found |= faults(german, page.get_by_role("heading", level=1).inner_text())
    page.get_by_role("link", name="Merkliste", exact=True).click()
    found |= faults(german, "Merkliste")
    expect(page.locator(".lead")).to_have_text("1 Film")

    german.open("/?view=bring")
    page.locator("#file").set_input_files({"name": "filme.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()})
    expect(page.get_by_role("heading", name="Filme importiert")).to_be_visible()
    page.locator("summary", has_text="Warum ein Eintrag übersprungen wurde").click()
    expect(page.locator(".outcome")).to_contain_text("1 × kein Film")
    found |= faults(german, "Filme importieren")
    page.locator("#file").set_input_files(
        {"name": "export.zip", "mimeType": "application/zip", "buffer": edited_export()}
    )
    expect(page.locator(".outcome .note")).to_have_text(re.compile("^watchlist.csv: Anders als .* die Spalte 'date'"))
    page.locator("#file").set_input_files({"name": "leer.csv", "mimeType": "text/csv", "buffer": b""})
    expect(page.get_by_role("alert")).to_contain_text("Die Datei ist leer.")

    for view, heading in OTHERS.items():
        german.open(f"/?view={view}")
        found |= faults(german, heading)
    assert found == {}
    german.errors.clear()  # the browser reports the failed requests
    chosen = page.get_by_role("group", name="Sprache")
    expect(chosen.get_by_role("button", pressed=True)).to_have_text("Deutsch")
    chosen.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    german.open("/")
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")
    german.errors.clear()


def edited_export() -> bytes:
    """Return a ZIP of Letterboxd whose only file lacks a column."""
    with BytesIO() as content:
        with ZipFile(content, "w") as archive:
            archive.writestr("watchlist.csv", "Name,Year,Letterboxd URI\nFunny 22,2000,https://boxd.it/29Xk\n")
        return content.getvalue()


OTHERS = {
    "questions": "Ein paar Fragen", "films": "Deine Filme", "films&as=diary": "Deine Filme",
    "profile": "Dein Geschmack", "together": "Gemeinsam", "map": "Die Geschmackskarte",
    "search&query=Funny": "Suche", "operator": "Betrieb", "film&movie=999999999": "Nicht gefunden",
}  # fmt: skip
"""Headings of further views."""
