/** An account's history on the server: loaded once, then written change by change. */

/** @typedef {import("./history.js").State} State */

/**
 * Load the history of an account.
 * @param {import("./api.js").Api} api @param {number | string} user
 * @returns {Promise<{ratings: import("./history.js").RatedMovie[], hidden: import("./history.js").HiddenMovie[], watchlist: import("./history.js").MarkedMovie[], likes: import("./history.js").MarkedMovie[]}>}
 */
export async function loadAccount(api, user) {
  const path = `/v1/users/${encodeURIComponent(user)}`;
  const [{ ratings }, { events, event_times: times }] = await Promise.all([api.get(`${path}/ratings`), api.get(`${path}/events`)]);
  const marks = (/** @type {string} */ kind) => (events[kind] ?? []).map((/** @type {number | string} */ movie) => ({ movie, kind, time: times[kind]?.[movie] ?? 0 }));
  return {
    ratings: ratings.map((/** @type {any} */ row) => ({
      movie: row.movie, title: row.title, year: row.year, genres: row.genres, rating: row.rating, time: row.time ?? Math.floor((row.received ?? 0) / 1000), ...(row.time === null && { undated: "account" }),
    })),
    hidden: [...marks("seen"), ...marks("not_interested")],
    watchlist: marks("watchlist"),
    likes: marks("like"),
  };
}

/**
 * Write the change of one movie's state to the account.
 * @param {{api: import("./api.js").Api, user: number | string}} account @param {number | string} movie
 * @param {{before: State, now: State, plain: boolean}} change `plain`: the model has no stars, so a rating is stored as a like
 */
export async function writeChange({ api, user }, movie, { before, now, plain }) {
  const base = `/v1/users/${encodeURIComponent(user)}`;
  const id = encodeURIComponent(movie);
  if (now.ratings && now.ratings !== before.ratings) {
    if (plain) await api.put(`${base}/events/like/${id}`);
    else await api.put(`${base}/ratings/${id}`, { rating: now.ratings.rating, time: now.ratings.time });
  }
  if (before.ratings && !now.ratings) await api.delete(`${base}/ratings/${id}`);
  for (const kind of difference(eventKinds(now), eventKinds(before))) await api.put(`${base}/events/${kind}/${id}`);
  for (const kind of difference(eventKinds(before), eventKinds(now))) await api.delete(`${base}/events/${kind}/${id}`);
}

/** The event kinds that are set in a movie's state. @param {State} state */
function eventKinds({ hidden, watchlist, likes }) {
  return [hidden?.kind, watchlist && "watchlist", likes && "like"].filter(Boolean);
}

/** The items of `all` that aren't in `others`. @template T @param {T[]} all @param {T[]} others */
function difference(all, others) {
  return all.filter((each) => !others.includes(each));
}
