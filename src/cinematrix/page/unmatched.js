/** The rows of an upload that no film was found for: saying which it is, thinking better of it, and taking the list along. */

import { facts, named, shortened, title as titled } from "./cards.js";
import { icon } from "./dom.js";
import { written } from "./stars.js";
import { naming } from "./uploads.js";

/** Rows shown at a time, and films offered for each. */
const [PAGE, OFFERED] = [20, 3];

/** The columns of the list, as `cinematrix import --unmatched` writes and `--pick` reads it. */
const COLUMNS = ["row", "kind", "title", "year", "rating", "movie", "candidates"];

/** What a row says besides stars. @type {Record<string, string>} */
const SAYS = { seen: "seen", watchlist: "on your watchlist", like: "liked" };

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {import("./uploads.js").Row} Row */

/** @param {import("./app.js").App} app @param {Row[]} unmatched */
export function missing(app, unmatched) {
  const { element } = app;
  const list = element("ul", { class: "unmatched" });
  const more = element("button", { type: "button", class: "ghost", onclick: () => grow() }, "Show more");
  let shown = 0;
  const grow = () => {
    list.append(...unmatched.slice(shown, shown + PAGE).map((row) => question(app, row, unmatched.filter((other) => naming(other) === naming(row)))));
    shown += PAGE;
    more.hidden = shown >= unmatched.length;
  };
  grow();
  return element("section", { class: "missing" },
    element("h2", {}, "Which films are these?"),
    element("p", { class: "lead" }, "Nothing is guessed: these titles fit no film here, or several."),
    list,
    element("p", { class: "buttons" }, more, element("button", { type: "button", class: "ghost", onclick: () => save(app, unmatched) }, icon("down"), "Download this list")));
}

/** A row, and the film that she picked for it or a choice; it follows what is undone. @param {import("./app.js").App} app @param {Row} row @param {Row[]} all those of its name */
function question(app, row, all) {
  const item = app.element("li", {});
  let shown = app.history.picked(row);
  const draw = () => item.replaceChildren(asking(app, row), shown ? answered(app, row, shown) : choice(app, row, all));
  app.history.on("change", () => {
    const now = app.history.picked(row);
    if (now?.movie === shown?.movie) return;
    const focused = item.contains(document.activeElement) || document.activeElement === document.body;
    shown = now;
    draw();
    if (focused) item.querySelector("button")?.focus({ preventScroll: true });
  }, app.signal);
  draw();
  return item;
}

/** @param {Row} row */
const called = (row) => shortened(row.title || `row ${row.row}`, 120);

/** @param {import("./app.js").App} app @param {Row} row */
function asking({ element }, row) {
  const said = row.rating === null ? SAYS[row.kind] : `${written(row.rating)} ${row.rating === 1 ? "star" : "stars"}`;
  return element("div", {}, element("strong", {}, element("bdi", {}, called(row))), element("span", { class: "facts" }, [row.year, said].filter(Boolean).join(" · ")));
}

/** @param {import("./app.js").App} app @param {Row} row @param {Movie} movie */
function answered({ element, history }, row, movie) {
  return element("div", { class: "buttons" },
    element("span", {}, icon("check"), " ", titled(movie)), element("span", { class: "facts" }, facts(movie)),
    element("button", { type: "button", class: "ghost small", "aria-label": `Another film than ${shortened(movie.title ?? "", 60)}`, onclick: () => history.unpick(row) }, icon("undo"), "Another film"));
}

/** @param {import("./app.js").App} app @param {Row} row @param {Row[]} all */
function choice(app, row, all) {
  const pick = (/** @type {Movie} */ movie) => {
    app.history.pick(all, movie);
    app.toast(`“\u2068${called(row)}\u2069” is ${named(movie, "that film")}.`, true);
  };
  const offered = row.candidates.slice(0, OFFERED);
  return app.element("div", { class: "buttons" },
    offered.map((movie) => app.element("button", { type: "button", class: "ghost small", onclick: () => pick(movie) },
      shortened(movie.title ?? "", 50), movie.year ? ` (${movie.year})` : "", apart(movie, offered))),
    app.finder({ label: `The film that ${called(row)} is`, placeholder: "Another film", choose: pick }));
}

/** What tells a film from others of its title and year: the genres, or else its ID. @param {Movie} movie @param {Movie[]} all */
function apart(movie, all) {
  const genres = (/** @type {Movie} */ film) => film.genres?.join(", ") || "no genres";
  const twins = all.filter((other) => other.movie !== movie.movie && other.title === movie.title && other.year === movie.year);
  if (!twins.length) return "";
  return ` · ${twins.some((other) => genres(other) === genres(movie)) ? `no. ${movie.movie}` : genres(movie)}`;
}

/** Have the browser save the rows, with what she picked. @param {import("./app.js").App} app @param {Row[]} unmatched */
function save({ element, history }, unmatched) {
  const lines = unmatched.map((row) => [row.row, row.kind, row.title, row.year, row.rating, history.picked(row)?.movie, candidates(row)]);
  const text = [COLUMNS, ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: "not-found.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @param {Row} row */
function candidates(row) {
  return row.candidates.map((movie) => `${movie.movie} = ${movie.title}${movie.year ? ` (${movie.year})` : ""}`).join("; ");
}

/** A field of a CSV that no spreadsheet takes for a formula. @param {string | number | null | undefined} value */
function cell(value) {
  const text = String(value ?? "");
  return `"${(/^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
