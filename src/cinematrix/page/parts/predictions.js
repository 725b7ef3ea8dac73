/** Expected stars of given films, such as those of the watchlist. */

import { factParameters } from "./fact-filters.js";

/** @typedef {import("./cards.js").Item & {leftOut?: boolean}} Item */

/** Maximum films in a request. */
const MAX_FILMS = 500;

/**
 * The films with their expected stars, most stars first; those that the catalog doesn't have are last.
 * `leftOut` marks films that don't pass the filters by facts. `stale`: the server can't be reached, and the films are as given.
 * @param {import("../app.js").App} app @param {import("./history.js").Movie[]} films @returns {Promise<{answer: Item[], stale: boolean}>}
 */
export async function fetchPredictions(app, films) {
  const { api, history, signal } = app;
  const { ratings } = history.body();
  const filters = await factParameters(app);
  const ids = films.map(({ movie }) => movie);
  const parts = Array.from({ length: Math.ceil(ids.length / MAX_FILMS) }, (_, at) => ids.slice(at * MAX_FILMS, (at + 1) * MAX_FILMS));
  try {
    const answers = await Promise.all(parts.map((movies) => api.post("/v1/predictions", { ratings, movies, ...filters }, signal)));
    /** @type {Item[]} */
    const items = answers.flatMap((answer) => answer.items).sort((one, other) => other.stars - one.stars);
    history.describe(items);
    const found = new Set(items.map(({ movie }) => movie));
    const left = new Set(answers.flatMap((answer) => answer.left_out));
    const rest = films.filter(({ movie }) => !found.has(movie)).map((film) => ({ ...film, leftOut: left.has(film.movie) }));
    return { answer: [...items, ...rest], stale: false };
  } catch (error) {
    if (/** @type {{status?: number}} */ (error).status !== 0) throw error;
    return { answer: films, stale: true };
  }
}
