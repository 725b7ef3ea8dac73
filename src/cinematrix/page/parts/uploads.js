/** The content of an upload, and which of it is new to a history. The rules are those of accounts: a repeated upload changes nothing. */

/** @typedef {import("./history.js").Movie} Movie */
/** `time` in epoch seconds, null without a date. @typedef {Movie & {rating: number, time: number | null}} Rating */
/** `event_times`: epoch seconds of events by movie, where the file gave them. @typedef {{source?: string, ratings: Rating[], events: {seen?: (number | string)[], watchlist?: (number | string)[], like?: (number | string)[]}, event_times?: Partial<Record<"seen" | "watchlist" | "like", Record<string, number>>>,
 *   films?: import("./history-file.js").FileFilm[], unmatched?: UnmatchedRow[], newer?: UnmatchedRow[]}} Upload `films`: those of a whole history */
/**
 * An upload row that no film was found for.
 * @typedef {{row: string, film?: string, kind: string, title: string, year: number | null, imdb?: number | null, tmdb?: number | null, movie?: string | null,
 *   rating: number | null, time: number | null, source?: string | null, candidates: Movie[], certain?: boolean}} UnmatchedRow
 */
/** A matched row without the exact year. @typedef {{row: string, title: string, year: number | null, rule: string, match: Movie}} UnsureRow */

/**
 * The parts of an upload that change a history. The newest rating wins; a rating without a date replaces only one without
 * a date from the same source. A film that is rated, seen or refused doesn't join the watchlist. With a model
 * without stars, likes count as ratings.
 * @param {import("./history.js").History} history @param {Upload} said
 */
export function newInUpload(history, { source, ratings, events: { seen = [], watchlist = [], like = [] } }) {
  const [liked, likes] = history.plain ? [like, []] : [[], like];
  const rated = [...ratings, ...liked.map((movie) => ({ movie, rating: 1, time: null }))];
  const added = rated.filter(({ movie }) => !history.latestEntry(movie));
  const newer = rated.filter((row) => replaces(row, history.latestEntry(row.movie), source));
  const past = new Set([...[...added, ...newer].map(({ movie }) => movie), ...history.ratings.keys(), ...history.hidden.keys(), ...seen]);
  return {
    added,
    newer,
    seen: seen.filter((movie) => !history.ratings.has(movie) && !history.hidden.has(movie)),
    watchlist: watchlist.filter((movie) => !history.watchlist.has(movie) && !past.has(movie)),
    likes: likes.filter((movie) => !history.likes.has(movie)),
  };
}

/** Whether a rating replaces the film's current entry. @param {Rating} row @param {{rating?: number, time: number, undated?: string} | undefined} entry @param {string | undefined} source */
function replaces(row, entry, source) {
  if (entry === undefined || row.rating === entry.rating) return false;
  return row.time === null ? source !== undefined && source === entry.undated : row.time >= entry.time;
}

/** The upload of a single row, matched to this movie. @param {UnmatchedRow} row @param {Movie} movie @returns {Upload} */
export function rowAsUpload({ kind, rating, time }, movie) {
  return rating === null ? { ratings: [], events: { [kind]: [movie.movie] }, ...(time !== null && { event_times: { [kind]: { [movie.movie]: time } } }) } : { ratings: [{ ...movie, rating, time }], events: {} };
}

/** The title and year of a row, or its number without a title. The same in any file. @param {UnmatchedRow} row */
export function rowName({ title, year, row }) {
  return title ? `${title} (${year ?? "?"})` : row;
}
