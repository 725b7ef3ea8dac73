/** Unmatched rows of an upload: pick a film for each, undo the pick, download the list. */

import { factsLine, titleText, shorten, titleElement } from "./cards.js";
import { icon } from "./dom.js";
import { genreName, words } from "./language.js";
import { rowName } from "./uploads.js";

/** Rows shown at a time; candidates offered per row. */
const [PAGE_SIZE, MAX_OFFERED] = [20, 3];

/** Columns of the downloaded list, the same as `cinematrix import --unmatched` writes and `--pick` reads. */
const COLUMNS = ["row", "kind", "title", "year", "rating", "movie", "candidates"];

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {import("./uploads.js").UnmatchedRow} Row */

/** Create the section of unmatched rows. @param {import("../app.js").App} app @param {Row[]} unmatched */
export function unmatchedSection(app, unmatched) {
  const { element } = app;
  const list = element("ul", { class: "unmatched" });
  const more = element("button", { type: "button", class: "ghost", onclick: () => showMore() }, words.import.showMore);
  let shown = 0;
  const showMore = () => {
    list.append(...unmatched.slice(shown, shown + PAGE_SIZE).map((row) => rowItem(app, row, unmatched.filter((other) => rowName(other) === rowName(row)))));
    shown += PAGE_SIZE;
    more.hidden = shown >= unmatched.length;
  };
  showMore();
  return element("section", { class: "missing" },
    element("h2", {}, words.import.which),
    element("p", { class: "lead" }, words.import.whichWhy),
    certainButton(app, unmatched),
    list,
    element("p", { class: "buttons" }, more, element("button", { type: "button", class: "ghost", onclick: () => downloadList(app, unmatched) }, icon("down"), words.import.download)));
}

/** The button that picks the first candidate of all rows where it is certain; null if there are none. @param {import("../app.js").App} app @param {Row[]} unmatched */
function certainButton(app, unmatched) {
  const open = () => unmatched.filter((row) => row.certain && !app.history.pickFor(row));
  if (!open().length) return null;
  const button = app.element("button", { type: "button", onclick: () => {
    const rows = open();
    for (const row of rows) app.history.pick(unmatched.filter((other) => rowName(other) === rowName(row)), row.candidates[0]);
    app.toast(words.import.taken(rows.length));
    button.remove();
  } }, icon("check"), words.import.takeCertain(open().length));
  return app.element("p", { class: "buttons" }, button);
}

/** Create the list of matches to check, closed at first. @param {import("../app.js").App} app @param {import("./uploads.js").UnsureRow[]} unsure */
export function unsureDetails({ element }, unsure) {
  return element("details", { class: "why" },
    element("summary", {}, words.import.toCheck(unsure.length)),
    element("ul", {}, unsure.map((row) => element("li", {}, words.import.is(
      element("span", {}, element("bdi", {}, rowTitle(row)), row.year ? ` (${row.year})` : ""),
      [titleElement(row.match), row.match.year ? ` (${row.match.year})` : ""], row.rule === "no year" ? words.import.noYear : words.import.nearYear)))));
}

/** Create a row with its picked film, or with the choice of a film; it follows changes of the history. @param {import("../app.js").App} app @param {Row} row @param {Row[]} all rows of the same name */
function rowItem(app, row, all) {
  const item = app.element("li", {});
  let pick = app.history.pickFor(row);
  const draw = () => item.replaceChildren(rowDescription(app, row), pick ? pickedFilm(app, row, pick) : filmChoice(app, row, all));
  app.history.on("change", () => {
    const now = app.history.pickFor(row);
    if (now?.movie === pick?.movie) return;
    const focused = item.contains(document.activeElement) || document.activeElement === document.body;
    pick = now;
    draw();
    if (focused) item.querySelector("button")?.focus({ preventScroll: true });
  }, app.signal);
  draw();
  return item;
}

/** @param {{row: string, title: string}} row */
const rowTitle = (row) => shorten(row.title || words.import.row(row.row), 120);

/** @param {import("../app.js").App} app @param {Row} row */
function rowDescription({ element }, row) {
  const rating = row.rating === null ? /** @type {Record<string, string>} */ (words.kinds)[row.kind] : words.film.stars(row.rating);
  return element("div", {}, element("strong", {}, element("bdi", {}, rowTitle(row))), element("span", { class: "facts" }, [row.year, rating].filter(Boolean).join(" · ")));
}

/** @param {import("../app.js").App} app @param {Row} row @param {Movie} movie */
function pickedFilm({ element, history }, row, movie) {
  return element("div", { class: "buttons" },
    element("span", {}, icon("check"), " ", titleElement(movie)), element("span", { class: "facts" }, factsLine(movie)),
    element("button", { type: "button", class: "ghost small", "aria-label": words.import.pickAnother(shorten(movie.title ?? "", 60)), onclick: () => history.unpick(row) }, icon("undo"), words.import.another));
}

/** @param {import("../app.js").App} app @param {Row} row @param {Row[]} all */
function filmChoice(app, row, all) {
  const pick = (/** @type {Movie} */ movie) => {
    app.history.pick(all, movie);
    app.toast(words.import.picked(`\u2068${rowTitle(row)}\u2069`, titleText(movie, words.film.that)), true);
  };
  const offered = row.candidates.slice(0, MAX_OFFERED);
  return app.element("div", { class: "buttons" },
    offered.map((movie) => app.element("button", { type: "button", class: "ghost small", onclick: () => pick(movie) },
      shorten(movie.title ?? "", 50), movie.year ? ` (${movie.year})` : "", distinction(movie, offered))),
    app.finder({ label: words.import.filmFor(rowTitle(row)), placeholder: words.import.another, choose: pick }));
}

/** Text that distinguishes candidates: the genres, and the ID if the title, year and genres are another's. @param {Movie} movie @param {Movie[]} all */
function distinction(movie, all) {
  const genres = (/** @type {Movie} */ film) => film.genres?.map(genreName).join(", ") || words.import.noGenres;
  const twins = all.filter((other) => other.movie !== movie.movie && other.title === movie.title && other.year === movie.year);
  return ` · ${genres(movie)}${twins.some((other) => genres(other) === genres(movie)) ? ` · ${words.import.id(movie.movie)}` : ""}`;
}

/** Download the rows as CSV, with the picked films. @param {import("../app.js").App} app @param {Row[]} unmatched */
function downloadList({ element, history }, unmatched) {
  const lines = unmatched.map((row) => [row.row, row.kind, row.title, row.year, row.rating, history.pickFor(row)?.movie, candidateText(row)]);
  const text = [COLUMNS, ...lines].map((line) => `${line.map(csvCell).join(",")}\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: "not-found.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @param {Row} row */
function candidateText(row) {
  return row.candidates.map((movie) => `${movie.movie} = ${movie.title}${movie.year ? ` (${movie.year})` : ""}`).join("; ");
}

/** A quoted CSV field, escaped so that spreadsheets don't run it as a formula. @param {string | number | null | undefined} value */
function csvCell(value) {
  const text = String(value ?? "");
  return `"${(/^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
