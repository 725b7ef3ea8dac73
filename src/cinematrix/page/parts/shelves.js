/** The rows of recommended films: the request, and the last response. */

import { reasonText } from "./cards.js";
import { FILM_FILTERS, dialParameters, dialQuery } from "./dials.js";
import { genreName, words } from "./language.js";
import { allows } from "./profiles.js";
import { writeTab, readTab } from "./tab.js";

/** Films per row, and in the request for a whole row. */
export const [ROW_SIZE, WHOLE_ROW] = [12, 50];

/** Maximum films of the watchlist in a request. */
const MAX_WATCHLIST = 5000;

/** Where the last response is kept for the time without the server: of a profile in the browser, of an account in the tab. */
const [KEPT, IN_TAB] = ["cinematrix-lists", "last-rows"];

/** @typedef {import("./cards.js").Item} Item */
/** `movie_title`: that of the film which the row is about. @typedef {{kind: string, title: string, movie_title?: string | null, movie?: number | string | null, genre?: string | null, items: Item[]}} Row */
/** @typedef {{model_version: string, fallback: boolean, rows: Row[]}} Rows */

/** The last response with its filters, shown at once on return. @type {{query: string, answer: Rows} | null} */
let last = null;

/** The watchlist of each view when it was opened. @type {WeakMap<import("../app.js").App, Set<number | string>>} */
const LISTED = new WeakMap();

/** The watchlist to send: a film that joins it stays where it was tapped until the view is opened again. @param {import("../app.js").App} app */
function watchlist(app) {
  const wanted = app.history.wanted.map(({ movie }) => movie).slice(0, MAX_WATCHLIST);
  const listed = LISTED.get(app) ?? new Set(wanted);
  LISTED.set(app, listed);
  return wanted.filter((movie) => listed.has(movie));
}

/** What a row is about; it stays the same when its films change. @param {Row} row */
export const rowName = ({ kind, movie, genre }) => [kind, movie ?? genre].filter((part) => part !== null && part !== undefined).join(":");

/** What the rows depend on, besides ratings: whose they are, the filters, and whether there is a watchlist. @param {import("../app.js").App} app */
const conditions = (app) => JSON.stringify([app.history.owner, app.history.limit, dialQuery(app.params), watchlist(app).length > 0]);

/** The rows with their headings in the page's language. @param {Pick<Rows, "rows" | "fallback">} answer @returns {Row[]} */
function entitle({ rows, fallback }) {
  const { watchlist: wanted, top, widelyLoved, gems, because, genre: forYou } = words.rows;
  return rows.map((row) => {
    const genre = genreName(row.genre ?? "");
    const titles = { watchlist: wanted, top: fallback ? widelyLoved : top, gems, genre: fallback ? genre : forYou(genre), because: row.movie_title ? because(row.movie_title) : row.title };
    return { ...row, title: /** @type {Record<string, string>} */ (titles)[row.kind] ?? row.title };
  });
}

/** Request the rows. @param {import("../app.js").App} app @param {number} n films per row @param {AbortSignal} signal @returns {Promise<Rows>} */
export async function fetchRows(app, n, signal) {
  const [query, wanted] = [conditions(app), watchlist(app)];
  const said = await app.api.post("/v1/rows", { ...app.history.body(), ...(await dialParameters(app)), n, ...(wanted.length && { watchlist: wanted }) }, signal);
  const answer = { ...said, rows: entitle(said) };
  if (n !== ROW_SIZE) return answer;
  last = { query, answer };
  const kept = { time: Date.now(), answer };
  if (app.history.account) writeTab(IN_TAB, kept);
  else app.history.profiles.write(KEPT, kept);
  return answer;
}

/** The last rows of these filters, without films rated or hidden since; null if there are none. @param {import("../app.js").App} app @returns {Rows | null} */
export function lastRows(app) {
  const { history } = app;
  if (last?.query !== conditions(app)) return null;
  const left = (/** @type {Item} */ { movie }) => history.rating(movie) === null && !history.hidden.has(movie);
  return { ...last.answer, rows: last.answer.rows.map((row) => ({ ...row, items: row.items.filter((item) => left(item) && (row.kind !== "watchlist" || history.wants(item.movie))) })) };
}

/**
 * All films of a row: those of the rows, then more of the same kind. Longer rows alone would share the films out anew. Null if there is no such row.
 * @param {import("../app.js").App} app @param {string} name @returns {Promise<Row | null>}
 */
export async function fetchWholeRow(app, name) {
  const answers = await Promise.all([ROW_SIZE, WHOLE_ROW].map((n) => fetchRows(app, n, app.signal)));
  const [row, longer] = answers.map(({ rows }) => rows.find((each) => rowName(each) === name));
  if (!row) return longer ?? null;
  const films = new Set(answers[0].rows.flatMap(({ items }) => items.map(({ movie }) => movie)));
  return { ...row, items: [...row.items, ...(longer?.items ?? []).filter(({ movie }) => !films.has(movie))] };
}

/** Options of a row's cards: in a row about one film, a reason by that film is only what the two share. @param {Row} row */
export function cardOptions({ kind, movie }) {
  return (/** @type {Item} */ { because: [why] = [] }) => ({ reason: kind === "because" && why?.movie === movie ? reasonText(why) : undefined });
}

/** The last response with its time, and the watchlist, for the time without the server. @param {import("../app.js").App} app @returns {{time: number, answer: Rows} | null} */
export function storedRows({ history }) {
  const stored = history.account ? readTab(IN_TAB) : history.profiles.read(KEPT);
  const left = (/** @type {Item} */ film) => film.title !== undefined && !history.ratings.has(film.movie) && allows(history.limit, film);
  const items = [...history.watchlist.values()].sort((one, other) => other.time - one.time).filter(left);
  const all = /** @type {Row[]} */ (Array.isArray(stored?.answer?.rows) ? stored.answer.rows : []);
  const rows = entitle({ fallback: history.size === 0, ...stored?.answer, rows: all }).filter((row) => row.kind !== "watchlist").map((row) => ({ ...row, items: row.items.filter(left) }));
  if (!rows.length && !items.length) return null;
  const watchlist = { kind: "watchlist", title: words.rows.storedWatchlist, items };
  return { time: stored?.time ?? Date.now(), answer: { model_version: "", fallback: history.size === 0, ...stored?.answer, rows: items.length ? [watchlist, ...rows] : rows } };
}

/** The address of a whole row; that of the watchlist has a view of its own. @param {Row} row @param {URLSearchParams} params */
export function rowUrl(row, params) {
  const view = row.kind === "watchlist" ? [["view", "watchlist"]] : [["view", "row"], ["of", rowName(row)]];
  return `/?${new URLSearchParams([...view, ...new URLSearchParams(row.kind === "watchlist" ? dialQuery(params, FILM_FILTERS) : dialQuery(params))])}`;
}
