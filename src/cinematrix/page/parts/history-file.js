/** The file of a whole history: written here, read by the server's import. `importers/history_file.py` describes it. */

/** @typedef {import("./history.js").History} History */
/** @typedef {import("./history.js").Movie} Movie */
/** A film that the catalog lacks, as the import describes it. @typedef {{film: string, kind: string, title: string, year: number | null, imdb?: number | null, tmdb?: number | null, movie?: string | null, rating: number | null, time: number | null, source?: string | null}} UnmatchedFilm */
/** @typedef {Movie & {kind: string, rating?: number | null, time: number | null, source?: string | null}} FileFilm */

/** IDs in one request, and letters from which on a title may have been cut. */
const [MAX_IDS, MAX_TITLE] = [1000, 300];

/** The file as text. @param {Record<string, unknown>[]} films @param {import("./stars.js").Scale | null} scale */
export const fileText = (films, scale) => JSON.stringify({ format: "cinematrix-history", version: 1, ...(scale && { scale: { low: scale.low, high: scale.high, step: scale.step } }), films });

/** The films of a history for the file. @param {History} history @param {Map<string, Record<string, string | null>>} [links] IDs at other sites by movie */
export function filmsOf(history, links = new Map()) {
  const film = (/** @type {string} */ kind, /** @type {Movie & {time: number}} */ row, more = {}) => ({
    kind, movie: row.movie, ...(row.title && row.title.length < MAX_TITLE && { title: row.title }), ...(row.year && { year: row.year }), ...links.get(String(row.movie)), ...more, time: Math.max(0, Math.floor(row.time)),
  });
  const rated = [...history.ratings.values()];
  return [
    ...rated.map((row) => (history.plain ? film("like", row) : film("rating", row, { rating: row.rating, ...(row.undated && { source: row.undated }) }))),
    ...[...history.gone.values()].map((row) => film("deleted", row)),
    ...[...history.hidden.values()].map((row) => film(row.kind, row)),
    ...[...history.watchlist.values()].map((row) => film("watchlist", row)),
    ...[...history.likes.values()].map((row) => film("like", row)),
    ...unmatchedFilms(history.unmatched.values()),
  ];
}

/** Unmatched films for the file. @param {Iterable<UnmatchedFilm>} films */
export const unmatchedFilms = (films) => [...films].map(({ film, ...rest }) => Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)));

/** Download the whole history. Without the server, titles and IDs that the browser doesn't have are left out. @param {import("../app.js").App} app */
export async function downloadHistory(app) {
  const { history, api, model } = app;
  const text = await accountFile(app) ?? fileText(filmsOf(history, await completeMovies(api, history)), model.scale);
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  app.element("a", { href: url, download: `cinematrix-history-${new Date().toISOString().slice(0, 10)}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** The file of an account as the server writes it; null without an account or without the server. @param {import("../app.js").App} app */
async function accountFile({ history: { account }, api, signal }) {
  if (!account) return null;
  try {
    return JSON.stringify(await api.get(`/v1/users/${encodeURIComponent(account.user)}/export`, { format: "history" }, signal));
  } catch (error) {
    if (/** @type {{status?: number}} */ (error).status !== 0) throw error;
    return null;
  }
}

/**
 * Add the missing titles, years and genres of a history's movies, and return their IDs at other sites.
 * @param {import("./api.js").Api} api @param {History} history
 */
export async function completeMovies(api, history, all = true) {
  const rows = /** @type {Movie[]} */ ([history.ratings, history.gone, history.hidden, history.watchlist, history.likes].flatMap((part) => [...part.values()]));
  const ids = [...new Set(rows.filter(({ title }) => all || title === undefined).map(({ movie }) => movie))];
  /** @type {Map<string, Movie & {links: {imdb: string | null, tmdb: string | null}}>} */
  const found = new Map();
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    const { items } = await api.post("/v1/movies/lookup", { movies: ids.slice(at, at + MAX_IDS) }).catch(() => ({ items: [] }));
    for (const item of items) found.set(String(item.movie), item);
  }
  for (const row of rows) {
    const { title, year, genres } = found.get(String(row.movie)) ?? {};
    if (row.title === undefined && title) Object.assign(row, { title: title.slice(0, MAX_TITLE), year, genres });
  }
  return new Map([...found].map(([movie, { links }]) => [movie, Object.fromEntries(Object.entries(links).filter(([, id]) => id))]));
}

/** The part of a history that a kind of film belongs to. @param {string} kind @param {boolean} plain @returns {"ratings" | "gone" | "hidden" | "watchlist" | "likes"} */
function partOf(kind, plain) {
  if (kind === "rating") return "ratings";
  if (kind === "deleted") return "gone";
  if (kind === "watchlist") return "watchlist";
  if (kind === "like") return plain ? "ratings" : "likes";
  return "hidden";
}

/**
 * Merge the films of a file into a history; of two entries of the same kind the newer one stays.
 * @param {History} history @param {FileFilm[]} films @param {number} now @returns {{created: number, updated: number}}
 */
export function mergeFilms(history, films, now) {
  const counts = { created: 0, updated: 0 };
  for (const film of films) {
    const part = partOf(film.kind, history.plain);
    const stars = part === "ratings" || part === "gone";
    const before = stars ? history.latestEntry(film.movie) : history[part].get(film.movie);
    if (before && !isNewer(film, before, part)) continue;
    if (stars) history[part === "gone" ? "ratings" : "gone"].delete(film.movie);
    const { movie, title, year = null, genres = [] } = film;
    const row = { movie, title: title?.slice(0, MAX_TITLE), year, genres, time: film.time ?? now };
    const undated = film.source || (film.time === null ? "cinematrix" : "");
    const own = part === "ratings" ? { rating: film.rating ?? 1, ...(undated && !history.plain && { undated }) } : part === "hidden" ? { kind: film.kind } : {};
    /** @type {Map<number | string, any>} */ (history[part]).set(movie, { ...row, ...own });
    counts[before ? "updated" : "created"] += 1;
  }
  return counts;
}

/** Whether a film of a file replaces an entry: it is newer, or of the same time and different. @param {FileFilm} film @param {{time: number, rating?: number, undated?: string, kind?: string}} before @param {string} part */
function isNewer(film, before, part) {
  if (part === "ratings" && film.source && before.undated === film.source) return film.rating !== before.rating;
  if (film.time === null) return false;
  if (film.time !== before.time) return film.time > before.time && !(part === "ratings" && film.source);
  return part === "hidden" ? film.kind === "not_interested" && before.kind === "seen" : part === "ratings" && before.rating !== undefined && (film.rating ?? 1) > before.rating;
}
