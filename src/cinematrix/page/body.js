/** A history as it goes along in questions to the server. */

/** @typedef {import("./history.js").Kind} Kind */

/** How many ratings a question takes along, and how many films that aren't to be recommended. */
export const [MOST_RATINGS, MOST_HIDDEN] = [5000, 20_000];

/**
 * A history as the stateless routes take it: the newest ratings count, and older ones than they take are of films that
 * aren't to be recommended.
 * @param {Parameters<typeof counting>[0]} rated @param {Parameters<typeof counting>[1]} hidden @param {boolean} plain
 */
export function asBody(rated, hidden, plain) {
  const all = counting(rated, hidden, plain);
  const unwanted = [...all.slice(0, -MOST_RATINGS), ...hidden];
  return { ratings: all.slice(-MOST_RATINGS), hidden: unwanted.map(({ movie }) => movie).slice(-MOST_HIDDEN) };
}

/**
 * What counts as a history, the newest last.
 * @param {Iterable<{movie: number | string, rating: number, time?: number | null}>} rated @param {Iterable<{movie: number | string, kind: Kind}>} hidden
 * @param {boolean} plain whether what was seen counts, as it does where there are no stars
 */
export function counting(rated, hidden, plain) {
  const said = [...rated].sort((one, other) => (one.time ?? 0) - (other.time ?? 0)).map(({ movie, rating }) => ({ movie, rating }));
  const known = new Set(said.map(({ movie }) => movie));
  const seen = plain ? [...hidden].filter(({ movie, kind }) => kind === "seen" && !known.has(movie)).map(({ movie }) => ({ movie, rating: 1 })) : [];
  return [...said, ...seen];
}
