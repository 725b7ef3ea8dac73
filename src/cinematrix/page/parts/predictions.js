/** Expected stars of given films, such as those of the watchlist. */

/** @typedef {import("./cards.js").Item} Item */

/** Maximum films in a request. */
const MAX_FILMS = 500;

/**
 * The films with their expected stars, most stars first; those that the catalog doesn't have are last.
 * `stale`: the server can't be reached, and the films are as given.
 * @param {import("../app.js").App} app @param {import("./history.js").Movie[]} films @returns {Promise<{answer: Item[], stale: boolean}>}
 */
export async function fetchPredictions({ api, history, signal }, films) {
  const { ratings } = history.body();
  const ids = films.map(({ movie }) => movie);
  const parts = Array.from({ length: Math.ceil(ids.length / MAX_FILMS) }, (_, at) => ids.slice(at * MAX_FILMS, (at + 1) * MAX_FILMS));
  try {
    const answers = await Promise.all(parts.map((movies) => api.post("/v1/predictions", { ratings, movies }, signal)));
    /** @type {Item[]} */
    const items = answers.flatMap((answer) => answer.items).sort((one, other) => other.stars - one.stars);
    history.describe(items);
    const found = new Set(items.map(({ movie }) => movie));
    return { answer: [...items, ...films.filter(({ movie }) => !found.has(movie))], stale: false };
  } catch (error) {
    if (/** @type {{status?: number}} */ (error).status !== 0) throw error;
    return { answer: films, stale: true };
  }
}
