/** What an upload says, and what of it is news to a history: by the rules of accounts, so that twice is once. */

/** @typedef {import("./history.js").Movie} Movie */
/** `time` in seconds, null where there is no date. @typedef {Movie & {rating: number, time: number | null}} Rating */
/** @typedef {{ratings: Rating[], events: {seen?: (number | string)[], watchlist?: (number | string)[], like?: (number | string)[]}}} Said */
/**
 * A row that no film was found for.
 * @typedef {{row: string, kind: "rating" | "seen" | "watchlist" | "like", title: string, year: number | null,
 *   rating: number | null, time: number | null, candidates: Movie[]}} Row
 */

/**
 * What a history doesn't know yet: the newest rating wins, and one without a date replaces none. Where there are no
 * stars, what she liked counts as rated.
 * @param {import("./history.js").History} history @param {Said} said
 */
export function news(history, { ratings, events: { seen = [], watchlist = [], like = [] } }) {
  const [liked, likes] = history.plain ? [like, []] : [[], like];
  const rated = [...ratings, ...liked.map((movie) => ({ movie, rating: 1, time: null }))];
  return {
    fresh: rated.filter(({ movie }) => !history.held(movie)),
    newer: rated.filter((row) => wins(row, history.held(row.movie))),
    seen: seen.filter((movie) => !history.ratings.has(movie) && !history.hidden.has(movie)),
    watchlist: watchlist.filter((movie) => !history.watchlist.has(movie)),
    likes: likes.filter((movie) => !history.likes.has(movie)),
  };
}

/** Whether a rating replaces what is held of its film. @param {Rating} row @param {{rating?: number, time: number} | undefined} held */
function wins(row, held) {
  return held !== undefined && row.rating !== held.rating && row.time !== null && row.time >= held.time;
}

/** What a row says, were it of this movie. @param {Row} row @param {Movie} movie @returns {Said} */
export function saying({ kind, rating, time }, movie) {
  return rating === null ? { ratings: [], events: { [kind]: [movie.movie] } } : { ratings: [{ ...movie, rating, time }], events: {} };
}

/** What a row names, whichever file it stands in. @param {Row} row */
export function naming({ title, year, row }) {
  return title ? `${title} (${year ?? "?"})` : row;
}
