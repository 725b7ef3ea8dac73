/** The rows of recommended films: the request, and the last response. */

import { reasonText } from "./cards.js";
import { FILM_FILTERS, dialParameters, dialQuery } from "./dials.js";
import { writeTab, readTab } from "./tab.js";

/** Films per row, and in the request for a whole row. */
export const [ROW_SIZE, WHOLE_ROW] = [12, 50];

/** Maximum films of the watchlist in a request. */
const MAX_WATCHLIST = 5000;

/** Tab-storage key of the last response, shown while the server can't be reached. */
const ANSWER_KEY = "last-rows";

/** @typedef {import("./cards.js").Item} Item */
/** @typedef {{kind: string, title: string, movie?: number | string | null, genre?: string | null, items: Item[]}} Row */
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

/** What the last rows are the answer to, besides ratings: the filters, and whether there is a watchlist. @param {import("../app.js").App} app */
const queryOf = (app) => `${dialQuery(app.params)} ${watchlist(app).length > 0}`;

/** What a row is about; it stays the same when its films change. @param {Row} row */
export const rowName = ({ kind, movie, genre }) => [kind, movie ?? genre].filter((part) => part !== null && part !== undefined).join(":");

/** Request the rows. @param {import("../app.js").App} app @param {number} n films per row @param {AbortSignal} signal @returns {Promise<Rows>} */
export async function fetchRows(app, n, signal) {
  const [query, wanted] = [queryOf(app), watchlist(app)];
  const answer = await app.api.post("/v1/rows", { ...app.history.body(), ...(await dialParameters(app)), n, ...(wanted.length && { watchlist: wanted }) }, signal);
  if (n !== ROW_SIZE) return answer;
  last = { query, answer };
  writeTab(ANSWER_KEY, { time: Date.now(), answer });
  return answer;
}

/** The last rows of these filters, without films rated or hidden since; null if there are none. @param {import("../app.js").App} app @returns {Rows | null} */
export function lastRows(app) {
  const { history } = app;
  if (last?.query !== queryOf(app)) return null;
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

/** The last response of this tab, with its time. @returns {{time: number, answer: Rows} | null} */
export const storedRows = () => readTab(ANSWER_KEY);

/** The address of a whole row; that of the watchlist has a view of its own. @param {Row} row @param {URLSearchParams} params */
export function rowUrl(row, params) {
  const view = row.kind === "watchlist" ? [["view", "watchlist"]] : [["view", "row"], ["of", rowName(row)]];
  return `/?${new URLSearchParams([...view, ...new URLSearchParams(row.kind === "watchlist" ? dialQuery(params, FILM_FILTERS) : dialQuery(params))])}`;
}
