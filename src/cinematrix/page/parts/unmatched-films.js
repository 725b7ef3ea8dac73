/** Films of imports that the catalog lacks. They are kept with the history, in the browser or in the account. */

import { fileText, unmatchedFilms } from "./history-file.js";

/** Name in localStorage of a profile's unmatched films. */
export const UNMATCHED = "cinematrix-unmatched";

/** Maximum films that are kept, as on the server. */
export const MAX_UNMATCHED = 5000;

/** @typedef {import("./history.js").History} History */
/** @typedef {import("./uploads.js").UnmatchedRow} Row */
/** @typedef {import("./history-file.js").UnmatchedFilm} UnmatchedFilm */

/** The films of a history by their IDs. @extends Map<string, UnmatchedFilm> */
export class UnmatchedFilms extends Map {
  /** @param {History} history */
  constructor(history) {
    super();
    this.history = history;
  }

  /** Hold these films and no others, here only. @param {unknown} films invalid ones are ignored */
  replace(films) {
    this.clear();
    for (const row of Array.isArray(films) ? films : []) if (typeof row?.film === "string" && typeof row.title === "string") this.set(row.film, row);
  }

  /** Keep rows of an import, to match them when the catalog grows. @param {Row[]} rows */
  keep(rows) {
    const { account, scale } = this.history;
    const films = rows.filter(({ film }) => film).map(storedFields);
    for (const row of films) if (this.size < MAX_UNMATCHED || this.has(row.film)) this.set(row.film, row);
    if (!account) return this.save();
    const file = new Blob([fileText(unmatchedFilms(films), scale)], { type: "application/json" });
    account.api.post(`/v1/users/${encodeURIComponent(account.user)}/imports?name=history.json`, file).catch(() => { /* the next import has them again */ });
  }

  /** Forget films, here and in the account. @param {{film?: string}[]} rows */
  drop(rows) {
    const { history, history: { account } } = this;
    for (const { film = "" } of rows) {
      const row = this.get(film);
      if (!row) continue;
      this.delete(film);
      account?.api.delete(`/v1/users/${encodeURIComponent(account.user)}/unmatched/${film}`).catch((error) => {
        if (history.account !== account || error.status === 404) return;
        this.set(film, row);
        history.dispatchEvent(new CustomEvent("failed", { detail: error }));
        history.notify();
      });
    }
    if (!account) this.save();
  }

  /** Write the films to localStorage. */
  save() {
    this.history.stored(this.history.profiles.write(UNMATCHED, this.size ? [...this.values()] : null));
  }
}

/** The stored fields of an unmatched film. @param {Row} row @returns {UnmatchedFilm} */
function storedFields({ film = "", kind, title, year, imdb = null, tmdb = null, movie = null, rating, time, source = null }) {
  return { film, kind, title, year, imdb, tmdb, movie, rating, time, source };
}
