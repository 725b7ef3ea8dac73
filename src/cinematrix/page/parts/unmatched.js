/** Unmatched rows of an upload: pick a film for each, undo the pick, download the list. */

import { factsLine, titleText, shorten, titleElement } from "./cards.js";
import { icon } from "./dom.js";
import { formatNumber } from "./stars.js";
import { rowName } from "./uploads.js";

/** Rows shown at a time; candidates offered per row. */
const [PAGE_SIZE, MAX_OFFERED] = [20, 3];

/** Columns of the downloaded list, the same as `cinematrix import --unmatched` writes and `--pick` reads. */
const COLUMNS = ["row", "kind", "title", "year", "rating", "movie", "candidates"];

/** Texts of the row kinds without stars. @type {Record<string, string>} */
const KIND_TEXTS = { seen: "seen", watchlist: "on your watchlist", like: "liked" };

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {import("./uploads.js").UnmatchedRow} Row */

/** Create the section of unmatched rows. @param {import("../app.js").App} app @param {Row[]} unmatched */
export function unmatchedSection(app, unmatched) {
  const { element } = app;
  const list = element("ul", { class: "unmatched" });
  const more = element("button", { type: "button", class: "ghost", onclick: () => showMore() }, "Show more");
  let shown = 0;
  const showMore = () => {
    list.append(...unmatched.slice(shown, shown + PAGE_SIZE).map((row) => rowItem(app, row, unmatched.filter((other) => rowName(other) === rowName(row)))));
    shown += PAGE_SIZE;
    more.hidden = shown >= unmatched.length;
  };
  showMore();
  return element("section", { class: "missing" },
    element("h2", {}, "Which films are these?"),
    element("p", { class: "lead" }, "These titles match no film, or several. Pick the right ones."),
    certainButton(app, unmatched),
    list,
    element("p", { class: "buttons" }, more, element("button", { type: "button", class: "ghost", onclick: () => downloadList(app, unmatched) }, icon("down"), "Download this list")));
}

/** The button that picks the first candidate of all rows where it is certain; null if there are none. @param {import("../app.js").App} app @param {Row[]} unmatched */
function certainButton(app, unmatched) {
  const open = () => unmatched.filter((row) => row.certain && !app.history.pickFor(row));
  if (!open().length) return null;
  const button = app.element("button", { type: "button", onclick: () => {
    const rows = open();
    for (const row of rows) app.history.pick(unmatched.filter((other) => rowName(other) === rowName(row)), row.candidates[0]);
    app.toast(`${rows.length} ${rows.length === 1 ? "film was" : "films were"} taken.`);
    button.remove();
  } }, icon("check"), `Take all that are certain (${open().length})`);
  return app.element("p", { class: "buttons" }, button);
}

/** Texts of the rules whose matches are to be checked. @type {Record<string, string>} */
const RULE_TEXTS = { "no year": "a year is missing", "near year": "the year is one off" };

/** Create the list of matches to check, closed at first. @param {import("../app.js").App} app @param {import("./uploads.js").UnsureRow[]} unsure */
export function unsureDetails({ element }, unsure) {
  return element("details", { class: "why" },
    element("summary", {}, `${unsure.length.toLocaleString("en")} ${unsure.length === 1 ? "film" : "films"} to check: found by the title, without the exact year`),
    element("ul", {}, unsure.map((row) => element("li", {}, element("bdi", {}, rowTitle(row)), row.year ? ` (${row.year})` : "", " is ",
      titleElement(row.match), row.match.year ? ` (${row.match.year})` : "", `: ${RULE_TEXTS[row.rule]}`))));
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
const rowTitle = (row) => shorten(row.title || `row ${row.row}`, 120);

/** @param {import("../app.js").App} app @param {Row} row */
function rowDescription({ element }, row) {
  const rating = row.rating === null ? KIND_TEXTS[row.kind] : `${formatNumber(row.rating)} ${row.rating === 1 ? "star" : "stars"}`;
  return element("div", {}, element("strong", {}, element("bdi", {}, rowTitle(row))), element("span", { class: "facts" }, [row.year, rating].filter(Boolean).join(" · ")));
}

/** @param {import("../app.js").App} app @param {Row} row @param {Movie} movie */
function pickedFilm({ element, history }, row, movie) {
  return element("div", { class: "buttons" },
    element("span", {}, icon("check"), " ", titleElement(movie)), element("span", { class: "facts" }, factsLine(movie)),
    element("button", { type: "button", class: "ghost small", "aria-label": `Pick another film than ${shorten(movie.title ?? "", 60)}`, onclick: () => history.unpick(row) }, icon("undo"), "Another film"));
}

/** @param {import("../app.js").App} app @param {Row} row @param {Row[]} all */
function filmChoice(app, row, all) {
  const pick = (/** @type {Movie} */ movie) => {
    app.history.pick(all, movie);
    app.toast(`“\u2068${rowTitle(row)}\u2069” is ${titleText(movie, "that film")}.`, true);
  };
  const offered = row.candidates.slice(0, MAX_OFFERED);
  return app.element("div", { class: "buttons" },
    offered.map((movie) => app.element("button", { type: "button", class: "ghost small", onclick: () => pick(movie) },
      shorten(movie.title ?? "", 50), movie.year ? ` (${movie.year})` : "", distinction(movie, offered))),
    app.finder({ label: `Film for ${rowTitle(row)}`, placeholder: "Another film", choose: pick }));
}

/** Text that distinguishes candidates: the genres, and the ID if the title, year and genres are another's. @param {Movie} movie @param {Movie[]} all */
function distinction(movie, all) {
  const genres = (/** @type {Movie} */ film) => film.genres?.join(", ") || "no genres";
  const twins = all.filter((other) => other.movie !== movie.movie && other.title === movie.title && other.year === movie.year);
  return ` · ${genres(movie)}${twins.some((other) => genres(other) === genres(movie)) ? ` · no. ${movie.movie}` : ""}`;
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
