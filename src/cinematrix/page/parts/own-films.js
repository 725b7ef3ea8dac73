/** The films of a history as one list: rated, seen, liked or refused, searched, sorted and by day. */

import { dropArticle, titleWords } from "./title-words.js";

/** @typedef {"rated" | "seen" | "liked" | "refused"} OwnKind */
/**
 * `day`: `2024-01-05`, null if unknown. `mean`: the average of everyone's ratings, null if unknown.
 * @typedef {import("./history.js").Movie & {rating: number | null, kinds: OwnKind[], time: number, day: string | null, mean: number | null}} OwnFilm
 */
/** @typedef {import("./history.js").MarkedMovie} Entry */

const DAY = 86_400;

/** Orders of the list; `down`: the usual direction is from the largest value. @type {Record<string, {down: boolean, value: (film: OwnFilm) => string | number | null}>} */
export const SORTS = {
  date: { down: true, value: ({ time }) => time || null },
  stars: { down: true, value: ({ rating }) => rating },
  title: { down: false, value: (film) => dropArticle(wordsOf(film)).join(" ") },
  year: { down: true, value: ({ year = null }) => year },
  apart: { down: true, value: (film) => apart(film) },
};

/** All films that the user rated, saw, liked or refused. @param {import("./history.js").History} history @param {Map<number | string, number | null>} means @returns {OwnFilm[]} */
export function ownFilms(history, means) {
  /** @type {Map<number | string, OwnFilm>} */
  const films = new Map();
  const add = (/** @type {Entry} */ entry, /** @type {OwnKind} */ kind, /** @type {number | null} */ rating) => {
    const day = entry.undated === undefined && entry.time > 0 ? dayOf(entry.time) : null;
    const film = films.get(entry.movie);
    if (film) film.kinds.push(kind);
    else films.set(entry.movie, { ...entry, rating, kinds: [kind], day, mean: means.get(entry.movie) ?? null });
  };
  for (const row of history.ratings.values()) add(row, history.plain ? "liked" : "rated", row.rating);
  for (const row of history.hidden.values()) add(row, row.kind === "seen" ? "seen" : "refused", null);
  for (const row of history.likes.values()) add(row, "liked", null);
  return [...films.values()];
}

/** The day of a time. An import's day is midnight in UTC; other times are the browser's. @param {number} time */
export function dayOf(time) {
  const moment = new Date(time * 1000);
  if (time % DAY) moment.setMinutes(moment.getMinutes() - moment.getTimezoneOffset());
  return moment.toISOString().slice(0, 10);
}

/** Stars that the user gave above or below the average; null if either is unknown. @param {OwnFilm} film */
export const apart = ({ rating, mean }) => (rating === null || mean === null ? null : rating - mean);

/** Words of the titles, by title. @type {Map<string, string[]>} */
const WORDS = new Map();

/** @param {OwnFilm} film @returns {string[]} */
function wordsOf({ movie, title = `film ${movie}` }) {
  const known = WORDS.get(title) ?? titleWords(title.slice(0, 300));
  WORDS.set(title, known);
  return known;
}

/** The films of a kind, and with each word of a query at the beginning of a word of the title. @param {OwnFilm[]} films @param {string} kind "" for all @param {string} query */
export function select(films, kind, query) {
  const wanted = titleWords(query);
  return films.filter((film) => (!kind || film.kinds.includes(/** @type {OwnKind} */ (kind))) && wanted.every((word) => wordsOf(film).some((each) => each.startsWith(word))));
}

/** Sort films; those without the value are last in both directions. @param {OwnFilm[]} films @param {string} name one of `SORTS` @param {boolean} down */
export function sort(films, name, down) {
  const { value } = SORTS[name];
  const keyed = films.map((film) => ({ film, key: value(film), title: SORTS.title.value(film) }));
  const order = (/** @type {string | number | null} */ one, /** @type {string | number | null} */ other) => (one === other ? 0 : one === null ? 1 : other === null ? -1 : (one < other ? -1 : 1) * (down ? -1 : 1));
  return keyed.sort((one, other) => order(one.key, other.key) || (String(one.title) < String(other.title) ? -1 : 1)).map(({ film }) => film);
}

/** Whether a film belongs in the diary. @param {OwnFilm} film */
export const isDated = ({ day, kinds }) => day !== null && !kinds.includes("refused");

/** The films of the diary by month, `2024-01`, the newest first. @param {OwnFilm[]} films @returns {[string, OwnFilm[]][]} */
export function months(films) {
  const dated = films.filter(isDated).sort((one, other) => (String(one.day) < String(other.day) ? 1 : one.day === other.day ? other.time - one.time : -1));
  /** @type {Map<string, OwnFilm[]>} */
  const all = new Map();
  for (const film of dated) {
    const month = String(film.day).slice(0, 7);
    all.set(month, [...(all.get(month) ?? []), film]);
  }
  return [...all];
}
