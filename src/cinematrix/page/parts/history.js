/**
 * The user's history: ratings and marks.
 *
 * Without an account it is in this browser's localStorage and is sent with each request. With an account it is on the
 * server: it is loaded once, and each change is written there. With a model without stars, a rating means that the user
 * liked the film, and seen films count as ratings.
 */

import { loadAccount, writeChange } from "./account.js";
import { requestBody, historyRatings } from "./body.js";
import { clearTab, writeTab, readTab } from "./tab.js";
import { rowName, newInUpload, rowAsUpload } from "./uploads.js";

/** @typedef {{movie: number | string, title?: string, year?: number | null, genres?: string[]}} Movie */
/** `undated`: the day is unknown; the source of an imported rating without a date. @typedef {Movie & {rating: number, time: number, undated?: string}} RatedMovie */
/** @typedef {"seen" | "not_interested"} Kind */
/** @typedef {MarkedMovie & {kind: Kind}} HiddenMovie */
/** @typedef {Movie & {time: number, undated?: string}} MarkedMovie */
/** The state of one movie. @typedef {ReturnType<History["stateOf"]>} State */
/** @typedef {Movie & {before: State}} Pick */
/** @typedef {import("./uploads.js").UnmatchedRow} Row */
/** @typedef {import("./uploads.js").Upload} Upload */

/** Key in localStorage. */
const KEY = "cinematrix-history";

/** Channel on which the tabs of one browser name the account that one of them has changed. */
const CHANNEL = "cinematrix-account";

/** Maximum changes that can be undone. */
const MAX_UNDOS = 50;

/** Tab-storage key of the picks made with an account. */
const PICKS = "picks";

/** Parts of a movie's state, each a map by movie. `gone`: deleted ratings, which an older upload doesn't restore. */
const PARTS = /** @type {const} */ (["ratings", "gone", "hidden", "watchlist", "likes"]);

/** @extends EventTarget */
export class History extends EventTarget {
  constructor() {
    super();
    /** @type {Map<number | string, RatedMovie>} */
    this.ratings = new Map();
    /** @type {Map<number | string, HiddenMovie>} */
    this.hidden = new Map();
    /** @type {Map<number | string, MarkedMovie>} */
    this.gone = new Map();
    /** @type {Map<number | string, MarkedMovie>} */
    this.watchlist = new Map();
    /** Films liked elsewhere, from uploads. @type {Map<number | string, MarkedMovie>} */
    this.likes = new Map();
    /** Films picked for unmatched rows, with their state before, by row name. @type {Map<string, Pick>} */
    this.picks = new Map();
    /** @type {{api: import("./api.js").Api, user: number | string} | null} */
    this.account = null;
    /** Functions that undo a change, the last one last; false if the account refused. @type {(() => unknown)[]} */
    this.undos = [];
    /** Whether localStorage works. */
    this.persistent = true;
    /** Whether the model has no stars: it was trained on plain interactions. */
    this.plain = false;
    this.load();
    addEventListener("storage", (event) => {
      if (event.key === KEY && !this.account) this.load();
    });
    this.tabs = new BroadcastChannel(CHANNEL);
    this.tabs.addEventListener("message", ({ data }) => this.follow(data).catch(() => { /* the next change or view asks the server again */ }));
  }

  /** Call `listener` for events of a `kind` until `signal` aborts: `change`, `failed` (with the error), `full` (no storage). */
  on(/** @type {string} */ kind, /** @type {(event: CustomEvent) => void} */ listener, /** @type {AbortSignal} */ signal) {
    this.addEventListener(kind, /** @type {EventListener} */ (listener), { signal });
    return () => this.removeEventListener(kind, /** @type {EventListener} */ (listener));
  }

  /** The history as a request body of the stateless routes. */
  body() {
    return requestBody(this.ratings.values(), [...this.hidden.values(), ...this.likes.values()], this.plain);
  }

  /** Number of ratings in a request. */
  get size() {
    return this.body().ratings.length;
  }

  /** All ratings, also those too many for a request, the newest last. */
  get allRatings() {
    return historyRatings(this.ratings.values(), this.hidden.values(), this.plain);
  }

  /** The rating of a movie, or null. @param {number | string} movie */
  rating(movie) {
    return this.ratings.get(movie)?.rating ?? null;
  }

  /** Rate a movie, or delete the rating with null. @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    const [ratings, gone] = rating === null ? [undefined, { movie: movie.movie, time: now() }] : [{ ...movieFields(movie), rating, time: now() }, undefined];
    return this.change(movie.movie, () => this.setState(movie.movie, { ...this.stateOf(movie.movie), ratings, gone, hidden: undefined, ...(ratings && { watchlist: undefined }) }));
  }

  /** Hide a movie from recommendations. @param {Movie} movie @param {Kind} kind */
  hide(movie, kind) {
    const hidden = { ...movieFields(movie), kind, time: now(), undated: "here" };
    return this.change(movie.movie, () => this.setState(movie.movie, { ...this.stateOf(movie.movie), hidden, watchlist: undefined }));
  }

  /** Put a movie on the watchlist; it is no longer hidden. @param {Movie} movie */
  want(movie) {
    const watchlist = { ...movieFields(movie), time: now() };
    return this.change(movie.movie, () => this.setState(movie.movie, { ...this.stateOf(movie.movie), watchlist, hidden: undefined }));
  }

  /** Whether a movie is on the watchlist, neither rated nor hidden. @param {number | string} movie */
  wants(movie) {
    return this.watchlist.has(movie) && !this.ratings.has(movie) && !this.hidden.has(movie);
  }

  /** The movies on the watchlist, the newest first. */
  get wanted() {
    return [...this.watchlist.values()].filter(({ movie }) => this.wants(movie)).sort((one, other) => other.time - one.time);
  }

  /** Add titles, years and genres where they are missing, as for movies of an import. @param {Movie[]} movies */
  describe(movies) {
    const added = movies.flatMap((movie) => Object.values(this.stateOf(movie.movie)).filter((entry) => entry && entry.title === undefined).map((entry) => Object.assign(/** @type {Movie} */ (entry), movieFields(movie))));
    if (added.length && !this.account) this.save();
  }

  /** Remove a mark of a movie. @param {number | string} movie @param {"hidden" | "watchlist" | "likes"} part */
  drop(movie, part) {
    return this.change(movie, () => this[part].delete(movie));
  }

  /** Whether there are no ratings and no marks. */
  get empty() {
    return PARTS.every((part) => part === "gone" || this[part].size === 0);
  }

  /** Merge an upload as one change; returns the numbers of new and of replaced entries. @param {Upload} upload */
  importUpload(upload) {
    const movies = [...upload.ratings.map((row) => row.movie), ...Object.values(upload.events).flat()];
    const states = () => new Map(movies.map((movie) => [movie, this.stateOf(movie)]));
    const before = states();
    const merged = this.merge(upload);
    const after = states();
    this.pushUndo(() => {
      for (const [movie, state] of before) if (equalStates(this.stateOf(movie), after.get(movie))) this.setState(movie, state);
      this.notify();
    });
    this.notify();
    return merged;
  }

  /** Match rows of one name to a film and merge them. The next upload uses the same match. @param {Row[]} rows @param {Movie} movie */
  pick(rows, movie) {
    this.setPick(rows[0], { ...movieFields(movie), before: this.stateOf(movie.movie) });
    return this.change(movie.movie, () => {
      this.gone.delete(movie.movie);
      for (const row of rows) this.merge(rowAsUpload(row, movie));
    });
  }

  /** Undo a pick and its merged entries; a rating set since then stays. @param {Row} row */
  unpick(row) {
    const { movie, before } = /** @type {Pick} */ (this.picks.get(rowName(row)));
    const { ratings } = this.stateOf(movie);
    const ratedSince = ratings && ratings.rating !== row.rating;
    this.setPick(row, null);
    return this.change(movie, () => this.setState(movie, ratedSince ? { ...before, ratings, gone: undefined } : before));
  }

  /** The film picked for a row, or null. Null also if the row would change the history, as after an undo. @param {Row} row */
  pickFor(row) {
    const pick = this.picks.get(rowName(row));
    if (!pick || this.gone.has(pick.movie)) return null;
    return Object.values(newInUpload(this, rowAsUpload(row, pick))).every((part) => part.length === 0) ? pick : null;
  }

  /** Store a pick, or delete it with null. @param {Row} row @param {Pick | null} pick */
  setPick(row, pick) {
    if (pick) this.picks.set(rowName(row), pick);
    else this.picks.delete(rowName(row));
    if (this.account) writeTab(PICKS, [...this.picks]);
  }

  /** Merge an upload; returns the numbers of new and of replaced entries. @param {Upload} upload */
  merge(upload) {
    const { added, newer, seen, watchlist, likes } = newInUpload(this, upload);
    for (const row of [...added, ...newer]) this.storeRating(row, upload.source);
    const timeOf = (/** @type {"seen" | "watchlist" | "like"} */ kind, /** @type {number | string} */ movie) => {
      const time = upload.event_times?.[kind]?.[movie];
      return time === undefined ? { time: now(), undated: upload.source ?? "" } : { time };
    };
    for (const movie of seen) this.hidden.set(movie, { movie, kind: "seen", ...timeOf("seen", movie) });
    for (const movie of watchlist) this.watchlist.set(movie, { movie, ...timeOf("watchlist", movie) });
    for (const movie of likes) this.likes.set(movie, { movie, ...timeOf("like", movie) });
    for (const movie of [...added.map((row) => row.movie), ...newer.map((row) => row.movie), ...seen]) this.watchlist.delete(movie);
    return { created: added.length + seen.length + watchlist.length + likes.length, updated: newer.length };
  }

  /** The rating of a movie, or its deletion. @param {number | string} movie @returns {{rating?: number, time: number, undated?: string} | undefined} */
  latestEntry(movie) {
    return this.ratings.get(movie) ?? this.gone.get(movie);
  }

  /** Store a rating from an upload; one without a date notes its source. @param {Movie & {rating: number, time: number | null}} row @param {string} [source] */
  storeRating(row, source) {
    this.gone.delete(row.movie);
    const undated = row.time === null && source ? { undated: source } : {};
    this.ratings.set(row.movie, { ...movieFields(row), rating: row.rating, time: row.time ?? now(), ...undated });
  }

  /** Delete the history in this browser. */
  clear() {
    clearTab();
    for (const part of PARTS) this[part].clear();
    this.picks.clear();
    this.undos = [];
    this.notify();
  }

  /** Undo the last change; returns whether there was one. If the account refuses, it can be tried again. */
  async undo() {
    const [{ account }, undo] = [this, this.undos.pop()];
    if (undo && (await undo()) === false && this.account === account) this.undos.push(undo);
    return Boolean(undo);
  }

  /** Undo a certain change, even if it isn't the last. @param {typeof this.undos[number]} undo */
  async revoke(undo) {
    this.undos = this.undos.filter((each) => each !== undo);
    await undo();
  }

  /**
   * Load the account's history, which replaces the browser's.
   * @param {import("./api.js").Api} api @param {number | string} user @param {AbortSignal} [signal] aborts the switch
   */
  async open(api, user, signal) {
    const stored = await loadAccount(api, user);
    signal?.throwIfAborted();
    this.account = { api, user };
    this.undos = [];
    this.setParts({ ...stored, gone: [] });
    this.picks = new Map(validPicks(readTab(PICKS)));
    this.notify();
  }

  /** Load the account again that another tab has changed. @param {number | string} user */
  async follow(user) {
    const { account } = this;
    if (account?.user !== user) return;
    const stored = await loadAccount(account.api, user);
    if (this.account !== account) return;
    this.setParts({ ...stored, gone: [] });
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Leave the account, and load the browser's history. */
  close() {
    clearTab();
    this.account = null;
    this.undos = [];
    this.load();
  }

  /** Apply a change to one movie, make it undoable, and write it to the account. @param {number | string} movie @param {() => void} alter */
  async change(movie, alter) {
    const before = this.stateOf(movie);
    alter();
    const undo = () => this.restore(movie, before);
    this.pushUndo(undo);
    this.notify();
    await this.sync(movie, before, undo);
  }

  /** The state of one movie. @param {number | string} movie */
  stateOf(movie) {
    return {
      ratings: this.ratings.get(movie), gone: this.gone.get(movie), hidden: this.hidden.get(movie),
      watchlist: this.watchlist.get(movie), likes: this.likes.get(movie),
    };
  }

  /** Restore the state of one movie, and write it to the account. @param {number | string} movie @param {ReturnType<History["stateOf"]>} state */
  async restore(movie, state) {
    const before = this.stateOf(movie);
    this.setState(movie, state);
    this.notify();
    return this.sync(movie, before);
  }

  /** Set the state of one movie, here only. @param {number | string} movie @param {ReturnType<History["stateOf"]>} state */
  setState(movie, state) {
    for (const part of PARTS) {
      if (state[part]) this[part].set(movie, /** @type {any} */ (state[part]));
      else this[part].delete(movie);
    }
  }

  /**
   * Write the change of one movie to the account; returns false and reverts the change if that fails.
   * @param {number | string} movie @param {ReturnType<History["stateOf"]>} before @param {() => unknown} [undo] undoes the change
   */
  async sync(movie, before, undo) {
    const { account } = this;
    if (!account) return true;
    try {
      await writeChange(account, movie, { before, now: this.stateOf(movie), plain: this.plain });
      this.tabs.postMessage(account.user);
      return true;
    } catch (error) {
      if (this.account === account) {
        this.setState(movie, before);
        this.undos = this.undos.filter((each) => each !== undo);
        this.notify();
      }
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      return false;
    }
  }

  /** @param {() => unknown} undo */
  pushUndo(undo) {
    this.undos.push(undo);
    if (this.undos.length > MAX_UNDOS) this.undos.shift();
  }

  /** Map each part to a value. @template T @param {(part: typeof PARTS[number]) => T} value */
  mapParts(value) {
    return /** @type {Record<typeof PARTS[number], T>} */ (Object.fromEntries(PARTS.map((part) => [part, value(part)])));
  }

  /** @param {Record<typeof PARTS[number], any[]>} values */
  setParts(values) {
    Object.assign(this, this.mapParts((part) => new Map(values[part].map((row) => [row.movie, row]))));
  }

  /** Save without an account, and fire `change`. */
  notify() {
    if (!this.account) this.save();
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Load the browser's history; invalid entries are ignored. */
  load() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      this.setParts(this.mapParts((part) => validRows(stored[part]).filter((row) => part !== "ratings" || Number.isFinite(row.rating))));
      this.picks = new Map(validPicks(stored.picks));
      this.plain = stored.plain ?? this.plain;
    } catch {
      this.setParts(this.mapParts(() => []));
    }
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Write the history to localStorage. */
  save() {
    try {
      if (PARTS.every((part) => this[part].size === 0)) return localStorage.removeItem(KEY);
      localStorage.setItem(KEY, JSON.stringify({ ...this.mapParts((part) => [...this[part].values()]), picks: [...this.picks], plain: this.plain }));
      this.persistent = true;
    } catch {
      if (this.persistent) this.dispatchEvent(new CustomEvent("full"));
      this.persistent = false;
    }
  }
}

/** Whether two states of a movie are equal. @param {unknown} one @param {unknown} other */
function equalStates(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The valid rows of a stored list. @param {unknown} list @returns {any[]} */
function validRows(list) {
  return Array.isArray(list) ? list.filter((row) => ["number", "string"].includes(typeof row?.movie)) : [];
}

/** The valid picks of a stored list. @param {unknown} list @returns {[string, Pick][]} */
function validPicks(list) {
  return Array.isArray(list) ? list.filter((pair) => Array.isArray(pair) && pair[1]?.before) : [];
}

/** The stored fields of a movie. @param {Movie} movie @returns {Movie} */
function movieFields({ movie, title, year = null, genres = [] }) {
  return { movie, title: title?.slice(0, 300), year, genres };
}

/** Current time in epoch seconds. */
function now() {
  return Math.floor(Date.now() / 1000);
}
