/**
 * What she has rated and what she doesn't want to see again.
 *
 * A stranger's history lives in this browser's localStorage and goes along in each question. Somebody with an account
 * has it on the server: it is read once, and each change is written there. Where the model learned from plain
 * interactions, a rating says that she liked a film, and what she has seen counts like it.
 */

import { kept, write } from "./account.js";
import { asBody, counting } from "./body.js";
import { forget, keep, kept as keptInTab } from "./tab.js";
import { naming, news, saying } from "./uploads.js";

/** @typedef {{movie: number | string, title?: string, year?: number | null, genres?: string[]}} Movie */
/** @typedef {Movie & {rating: number, time: number}} Rated */
/** @typedef {"seen" | "not_interested"} Kind */
/** @typedef {Movie & {kind: Kind, time: number}} Hidden */
/** @typedef {Movie & {time: number}} Noted */
/** How one movie stands. @typedef {ReturnType<History["at"]>} State */
/** @typedef {Movie & {before: State}} Pick */
/** @typedef {import("./uploads.js").Row} Row */
/** @typedef {import("./uploads.js").Said} Said */

const KEY = "cinematrix-history";
const UNDOS = 50;

/** Under which name the tab keeps what an account picked. */
const PICKS = "picks";

/** What is kept of a movie, each in a map of its own; `gone` are ratings that she took back, which an older upload doesn't bring again. */
const PARTS = /** @type {const} */ (["ratings", "gone", "hidden", "watchlist", "likes"]);

/** @extends EventTarget */
export class History extends EventTarget {
  constructor() {
    super();
    /** @type {Map<number | string, Rated>} */
    this.ratings = new Map();
    /** @type {Map<number | string, Hidden>} */
    this.hidden = new Map();
    /** @type {Map<number | string, Noted>} */
    this.gone = new Map();
    /** @type {Map<number | string, Noted>} */
    this.watchlist = new Map();
    /** Films that she liked elsewhere, beside what she rated. @type {Map<number | string, Noted>} */
    this.likes = new Map();
    /** The films that she picked for rows of uploads, by what those name, and how each stood before. @type {Map<string, Pick>} */
    this.picks = new Map();
    /** @type {{api: import("./api.js").Api, user: number | string} | null} */
    this.account = null;
    /** @type {(() => Promise<void> | void)[]} */
    this.undos = [];
    /** Whether this browser keeps what is written. */
    this.lasts = true;
    /** Whether the model learned from plain interactions: who watched what, without stars. */
    this.plain = false;
    this.load();
    addEventListener("storage", (event) => {
      if (event.key === KEY && !this.account) this.load();
    });
  }

  /** Call `listener` at each `kind` of event (`change`, `failed` with the error, or `full`: no storage) until `signal` aborts. */
  on(/** @type {string} */ kind, /** @type {(event: CustomEvent) => void} */ listener, /** @type {AbortSignal} */ signal) {
    this.addEventListener(kind, /** @type {EventListener} */ (listener), { signal });
    return () => this.removeEventListener(kind, /** @type {EventListener} */ (listener));
  }

  /** What the stateless routes take. */
  body() {
    return asBody(this.ratings.values(), this.hidden.values(), this.plain);
  }

  /** How many films count as her history. */
  get size() {
    return this.body().ratings.length;
  }

  /** All that would count if a question took it along, the newest last. */
  get all() {
    return counting(this.ratings.values(), this.hidden.values(), this.plain);
  }

  /** Her rating of a movie, or null. @param {number | string} movie */
  rating(movie) {
    return this.ratings.get(movie)?.rating ?? null;
  }

  /** Rate a movie, or take the rating back with null. @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    const [ratings, gone] = rating === null ? [undefined, { movie: movie.movie, time: now() }] : [{ ...fact(movie), rating, time: now() }, undefined];
    return this.change(movie.movie, () => this.lay(movie.movie, { ...this.at(movie.movie), ratings, gone, hidden: undefined }));
  }

  /** Recommend a movie no more. @param {Movie} movie @param {Kind} kind */
  hide(movie, kind) {
    return this.change(movie.movie, () => this.hidden.set(movie.movie, { ...fact(movie), kind, time: now() }));
  }

  /** Take back what was said of a movie besides stars. @param {number | string} movie @param {"hidden" | "watchlist" | "likes"} part */
  drop(movie, part) {
    return this.change(movie, () => this[part].delete(movie));
  }

  /** Whether nothing at all is known of her. */
  get empty() {
    return PARTS.every((part) => part === "gone" || this[part].size === 0);
  }

  /** Take in what an upload says, as one change; how much of it is new, and how much replaces a rating. @param {Said} said */
  take(said) {
    const movies = [...said.ratings.map((row) => row.movie), ...Object.values(said.events).flat()];
    const states = () => new Map(movies.map((movie) => [movie, this.at(movie)]));
    const before = states();
    const merged = this.merge(said);
    const after = states();
    this.remember(() => {
      for (const [movie, state] of before) if (same(this.at(movie), after.get(movie))) this.lay(movie, state);
      this.changed();
    });
    this.changed();
    return merged;
  }

  /** Take in what rows of one name say of the film that she picked for them; the next upload knows it. @param {Row[]} rows @param {Movie} movie */
  pick(rows, movie) {
    this.note(rows[0], { ...fact(movie), before: this.at(movie.movie) });
    return this.change(movie.movie, () => {
      this.gone.delete(movie.movie);
      for (const row of rows) this.merge(saying(row, movie));
    });
  }

  /** Take a pick back, and what came in by it; a rating that she has given since stays. @param {Row} row */
  unpick(row) {
    const { movie, before } = /** @type {Pick} */ (this.picks.get(naming(row)));
    const { ratings } = this.at(movie);
    const hers = ratings && ratings.rating !== row.rating;
    this.note(row, null);
    return this.change(movie, () => this.lay(movie, hers ? { ...before, ratings, gone: undefined } : before));
  }

  /** The film that she picked for a row, if what the row says of it is held and no news; else null. @param {Row} row */
  picked(row) {
    const pick = this.picks.get(naming(row));
    if (!pick || this.gone.has(pick.movie)) return null;
    return Object.values(news(this, saying(row, pick))).every((part) => part.length === 0) ? pick : null;
  }

  /** Remember a pick, or forget it with null. @param {Row} row @param {Pick | null} pick */
  note(row, pick) {
    if (pick) this.picks.set(naming(row), pick);
    else this.picks.delete(naming(row));
    if (this.account) keep(PICKS, [...this.picks]);
  }

  /** Lay the news of an upload over what is known; how much of it is new, and how much replaces a rating. @param {Said} said */
  merge(said) {
    const { fresh, newer, seen, watchlist, likes } = news(this, said);
    for (const row of [...fresh, ...newer]) this.overlay(row);
    for (const movie of seen) this.hidden.set(movie, { movie, kind: "seen", time: now() });
    for (const movie of watchlist) this.watchlist.set(movie, { movie, time: now() });
    for (const movie of likes) this.likes.set(movie, { movie, time: now() });
    return { created: fresh.length + seen.length + watchlist.length + likes.length, updated: newer.length };
  }

  /** Her rating of a movie, or that she took it back. @param {number | string} movie @returns {{rating?: number, time: number} | undefined} */
  held(movie) {
    return this.ratings.get(movie) ?? this.gone.get(movie);
  }

  /** @param {Movie & {rating: number, time: number | null}} row */
  overlay(row) {
    this.gone.delete(row.movie);
    this.ratings.set(row.movie, { ...fact(row), rating: row.rating, time: row.time ?? now() });
  }

  /** Forget everything in this browser. */
  clear() {
    forget();
    for (const part of PARTS) this[part].clear();
    this.picks.clear();
    this.undos = [];
    this.changed();
  }

  /** Take the last change back; whether there was one. One that the account refuses to take back can be tried again. */
  async undo() {
    const [{ account }, undo] = [this, this.undos.pop()];
    if (undo && (await undo()) === false && this.account === account) this.undos.push(undo);
    return Boolean(undo);
  }

  /** Take a change back, whatever was done since. @param {typeof this.undos[number]} undo */
  async revoke(undo) {
    this.undos = this.undos.filter((each) => each !== undo);
    await undo();
  }

  /**
   * Her history from her account, instead of this browser's.
   * @param {import("./api.js").Api} api @param {number | string} user @param {AbortSignal} [signal] after which it isn't wanted
   */
  async open(api, user, signal) {
    const found = await kept(api, user);
    signal?.throwIfAborted();
    this.account = { api, user };
    this.undos = [];
    this.fill({ ...found, gone: [] });
    this.picks = new Map(pairs(keptInTab(PICKS)));
    this.changed();
  }

  /** Leave the account, for what this browser keeps. */
  close() {
    forget();
    this.account = null;
    this.undos = [];
    this.load();
  }

  /** @param {number | string} movie @param {() => void} alter */
  async change(movie, alter) {
    const before = this.at(movie);
    alter();
    const undo = () => this.put(movie, before);
    this.remember(undo);
    this.changed();
    await this.sync(movie, before, undo);
  }

  /** @param {number | string} movie */
  at(movie) {
    return {
      ratings: this.ratings.get(movie), gone: this.gone.get(movie), hidden: this.hidden.get(movie),
      watchlist: this.watchlist.get(movie), likes: this.likes.get(movie),
    };
  }

  /** Set one movie back to a state. @param {number | string} movie @param {ReturnType<History["at"]>} state */
  async put(movie, state) {
    const before = this.at(movie);
    this.lay(movie, state);
    this.changed();
    return this.sync(movie, before);
  }

  /** @param {number | string} movie @param {ReturnType<History["at"]>} state */
  lay(movie, state) {
    for (const part of PARTS) {
      if (state[part]) this[part].set(movie, /** @type {any} */ (state[part]));
      else this[part].delete(movie);
    }
  }

  /**
   * Write what changed about one movie to the account, and whether it could be; what can't isn't shown as if it were.
   * @param {number | string} movie @param {ReturnType<History["at"]>} before @param {() => unknown} [undo] what takes the change back
   */
  async sync(movie, before, undo) {
    const { account } = this;
    if (!account) return true;
    try {
      await write(account, movie, { before, now: this.at(movie), plain: this.plain });
      return true;
    } catch (error) {
      if (this.account === account) {
        this.lay(movie, before);
        this.undos = this.undos.filter((each) => each !== undo);
        this.changed();
      }
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      return false;
    }
  }

  /** @param {() => Promise<boolean> | void} undo */
  remember(undo) {
    this.undos.push(undo);
    if (this.undos.length > UNDOS) this.undos.shift();
  }

  /** Something of each part. @template T @param {(part: typeof PARTS[number]) => T} of */
  parts(of) {
    return /** @type {Record<typeof PARTS[number], T>} */ (Object.fromEntries(PARTS.map((part) => [part, of(part)])));
  }

  /** @param {Record<typeof PARTS[number], any[]>} found */
  fill(found) {
    Object.assign(this, this.parts((part) => new Map(found[part].map((row) => [row.movie, row]))));
  }

  changed() {
    if (!this.account) this.save();
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Read what this browser keeps; what isn't ours or is broken counts as nothing. */
  load() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      this.fill(this.parts((part) => rows(found[part]).filter((row) => part !== "ratings" || Number.isFinite(row.rating))));
      this.picks = new Map(pairs(found.picks));
      this.plain = found.plain ?? this.plain;
    } catch {
      this.fill(this.parts(() => []));
    }
    this.dispatchEvent(new CustomEvent("change"));
  }

  save() {
    try {
      if (PARTS.every((part) => this[part].size === 0)) return localStorage.removeItem(KEY);
      localStorage.setItem(KEY, JSON.stringify({ ...this.parts((part) => [...this[part].values()]), picks: [...this.picks], plain: this.plain }));
      this.lasts = true;
    } catch {
      if (this.lasts) this.dispatchEvent(new CustomEvent("full"));
      this.lasts = false;
    }
  }
}

/** Whether two states of a movie say the same. @param {unknown} one @param {unknown} other */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @param {unknown} list @returns {any[]} */
function rows(list) {
  return Array.isArray(list) ? list.filter((row) => ["number", "string"].includes(typeof row?.movie)) : [];
}

/** @param {unknown} list @returns {[string, Pick][]} */
function pairs(list) {
  return Array.isArray(list) ? list.filter((pair) => Array.isArray(pair) && pair[1]?.before) : [];
}

/** @param {Movie} movie @returns {Movie} */
function fact({ movie, title, year = null, genres = [] }) {
  return { movie, title: title?.slice(0, 300), year, genres };
}

/** Epoch seconds. */
function now() {
  return Math.floor(Date.now() / 1000);
}
