/** The history in the body of stateless requests. */

/** @typedef {import("./history.js").Kind} Kind */

/** Maximum ratings and maximum hidden films in a request. */
export const [MAX_RATINGS, MAX_HIDDEN] = [5000, 20_000];

/**
 * Build the history part of a request body. Only the newest ratings are sent as ratings; films with older ratings are
 * sent as hidden, so they aren't recommended.
 * @param {Parameters<typeof historyRatings>[0]} rated @param {Parameters<typeof historyRatings>[1]} hidden @param {boolean} plain
 */
export function requestBody(rated, hidden, plain) {
  const all = historyRatings(rated, hidden, plain);
  const unwanted = [...all.slice(0, -MAX_RATINGS), ...hidden];
  return { ratings: all.slice(-MAX_RATINGS), hidden: unwanted.map(({ movie }) => movie).slice(-MAX_HIDDEN) };
}

/**
 * All ratings of the history, the newest last.
 * @param {Iterable<{movie: number | string, rating: number, time?: number | null}>} rated @param {Iterable<{movie: number | string, kind?: Kind}>} hidden
 * @param {boolean} plain whether seen films count as ratings, as with a model without stars
 */
export function historyRatings(rated, hidden, plain) {
  const ratings = [...rated].sort((one, other) => (one.time ?? 0) - (other.time ?? 0)).map(({ movie, rating }) => ({ movie, rating }));
  const ids = new Set(ratings.map(({ movie }) => movie));
  const watched = plain ? [...hidden].filter(({ movie, kind }) => kind === "seen" && !ids.has(movie)).map(({ movie }) => ({ movie, rating: 1 })) : [];
  return [...ratings, ...watched];
}
