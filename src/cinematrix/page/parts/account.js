/** An account's history on the server: loaded once, then written change by change through the outbox. */

/** @typedef {import("./history.js").State} State */

/**
 * Load the history of an account.
 * @param {import("./api.js").Api} api @param {number | string} user
 * @returns {Promise<{ratings: import("./history.js").RatedMovie[], hidden: import("./history.js").HiddenMovie[], watchlist: import("./history.js").MarkedMovie[], likes: import("./history.js").MarkedMovie[],
 *   unmatched: import("./history-file.js").UnmatchedFilm[]}>}
 */
export async function loadAccount(api, user) {
  const path = `/v1/users/${encodeURIComponent(user)}`;
  const [{ ratings }, { events, event_times: times }, { films: unmatched }] = await Promise.all([api.get(`${path}/ratings`), api.get(`${path}/events`), api.get(`${path}/unmatched`)]);
  const marks = (/** @type {string} */ kind) => (events[kind] ?? []).map((/** @type {number | string} */ movie) => ({ movie, kind, time: times[kind]?.[movie] ?? 0 }));
  return {
    ratings: ratings.map((/** @type {any} */ row) => ({
      movie: row.movie, title: row.title, year: row.year, genres: row.genres, rating: row.rating, time: row.time ?? Math.floor((row.received ?? 0) / 1000), ...(row.time === null && { undated: "account" }),
    })),
    hidden: [...marks("seen"), ...marks("not_interested")],
    watchlist: marks("watchlist"),
    likes: marks("like"),
    unmatched,
  };
}

/**
 * The changes that turn one state of a movie into another, for the account.
 * @param {number | string} movie @param {{before: State, now: State, plain: boolean, time: number}} change `plain`: the model has no stars, so a rating is stored as a like
 * @returns {import("./outbox.js").Change[]}
 */
export function changesOf(movie, { before, now, plain, time }) {
  /** @type {Omit<import("./outbox.js").Change, "movie" | "time">[]} */
  const changes = [];
  if (now.ratings && now.ratings !== before.ratings) {
    changes.push(plain ? { kind: "like" } : { kind: "rating", rating: now.ratings.rating });
  }
  if (before.ratings && !now.ratings) changes.push({ kind: "rating", gone: true });
  for (const kind of difference(eventKinds(now), eventKinds(before))) changes.push({ kind });
  for (const kind of difference(eventKinds(before), eventKinds(now))) changes.push({ kind, gone: true });
  return changes.map((each) => ({ movie, ...each, time: each.kind === "rating" && !each.gone ? now.ratings?.time ?? time : time }));
}

/** The event kinds that are set in a movie's state. @param {State} state */
function eventKinds({ hidden, watchlist, likes }) {
  return /** @type {string[]} */ ([hidden?.kind, watchlist && "watchlist", likes && "like"].filter(Boolean));
}

/** The items of `all` that aren't in `others`. @template T @param {T[]} all @param {T[]} others */
function difference(all, others) {
  return all.filter((each) => !others.includes(each));
}
