/** What an account keeps of her on the server: read at once, and written change by change. */

/** @typedef {import("./history.js").State} State */

/**
 * What an account keeps.
 * @param {import("./api.js").Api} api @param {number | string} user
 * @returns {Promise<{ratings: import("./history.js").Rated[], hidden: import("./history.js").Hidden[], watchlist: import("./history.js").Noted[], likes: import("./history.js").Noted[]}>}
 */
export async function kept(api, user) {
  const path = `/v1/users/${encodeURIComponent(user)}`;
  const [{ ratings }, { events }] = await Promise.all([api.get(`${path}/ratings`), api.get(`${path}/events`)]);
  const noted = (/** @type {string} */ kind) => (events[kind] ?? []).map((/** @type {number | string} */ movie) => ({ movie, kind, time: 0 }));
  return {
    ratings: ratings.map((/** @type {any} */ row) => ({
      movie: row.movie, title: row.title, year: row.year, genres: row.genres, rating: row.rating, time: row.time ?? Math.floor((row.received ?? 0) / 1000),
    })),
    hidden: [...noted("seen"), ...noted("not_interested")],
    watchlist: noted("watchlist"),
    likes: noted("like"),
  };
}

/**
 * Write what changed about one movie.
 * @param {{api: import("./api.js").Api, user: number | string}} account @param {number | string} movie
 * @param {{before: State, now: State, plain: boolean}} change `plain` where a rating says that she liked it
 */
export async function write({ api, user }, movie, { before, now, plain }) {
  const mine = `/v1/users/${encodeURIComponent(user)}`;
  const id = encodeURIComponent(movie);
  if (now.ratings && now.ratings !== before.ratings) {
    if (plain) await api.put(`${mine}/events/like/${id}`);
    else await api.put(`${mine}/ratings/${id}`, { rating: now.ratings.rating, time: now.ratings.time });
  }
  if (before.ratings && !now.ratings) await api.delete(`${mine}/ratings/${id}`);
  for (const kind of without(kinds(now), kinds(before))) await api.put(`${mine}/events/${kind}/${id}`);
  for (const kind of without(kinds(before), kinds(now))) await api.delete(`${mine}/events/${kind}/${id}`);
}

/** The events that a movie's state stands for. @param {State} state */
function kinds({ hidden, watchlist, likes }) {
  return [hidden?.kind, watchlist && "watchlist", likes && "like"].filter(Boolean);
}

/** @template T @param {T[]} all @param {T[]} others */
function without(all, others) {
  return all.filter((each) => !others.includes(each));
}
