/**
 * What she has rated and what she doesn't want to see again.
 *
 * A stranger's history lives in this browser's localStorage and goes along in each question. Somebody with an account
 * has it on the server: it is read once, and each change is written there. Where the model learned from plain
 * interactions, a rating says that she liked a film, and what she has seen counts like it.
 */

/** @typedef {{movie: number | string, title?: string, year?: number | null, genres?: string[]}} Movie */
/** @typedef {Movie & {rating: number, time: number}} Rated */
/** @typedef {"seen" | "not_interested"} Kind */
/** @typedef {Movie & {kind: Kind, time: number}} Hidden */

import { forget } from "./tab.js";

const KEY = "cinematrix-history";
const UNDOS = 50;

/** @extends EventTarget */
export class History extends EventTarget {
  constructor() {
    super();
    /** @type {Map<number | string, Rated>} */
    this.ratings = new Map();
    /** @type {Map<number | string, Hidden>} */
    this.hidden = new Map();
    /** @type {{api: import("./api.js").Api, user: number | string} | null} */
    this.account = null;
    /** @type {(() => Promise<void> | void)[]} */
    this.undos = [];
    this.lasts = true;
    /** Whether the model learned from plain interactions: who watched what, without stars. */
    this.plain = false;
    this.load();
    addEventListener("storage", (event) => {
      if (event.key === KEY && !this.account) this.load();
    });
  }

  /** Call `listener` at each `kind` of event (`change`, or `failed` with a sentence) until `signal` aborts. */
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

  /** Her rating of a movie, or null. @param {number | string} movie */
  rating(movie) {
    return this.ratings.get(movie)?.rating ?? null;
  }

  /** Rate a movie, or take the rating back with null. @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    return this.change(movie.movie, () => {
      this.hidden.delete(movie.movie);
      if (rating === null) this.ratings.delete(movie.movie);
      else this.ratings.set(movie.movie, { ...fact(movie), rating, time: now() });
    });
  }

  /** Recommend a movie no more. @param {Movie} movie @param {Kind} kind */
  hide(movie, kind) {
    return this.change(movie.movie, () => this.hidden.set(movie.movie, { ...fact(movie), kind, time: now() }));
  }

  /** Take `hide` back. @param {number | string} movie */
  unhide(movie) {
    return this.change(movie, () => this.hidden.delete(movie));
  }

  /** Take many ratings in at once, such as those of an upload; the account keeps its own copy. @param {Rated[]} rated @param {Movie[]} seen */
  take(rated, seen = []) {
    const before = this.snapshot();
    for (const each of rated) this.ratings.set(each.movie, { ...fact(each), rating: each.rating, time: each.time || now() });
    for (const each of seen) {
      if (!this.ratings.has(each.movie)) this.hidden.set(each.movie, { ...fact(each), kind: "seen", time: now() });
    }
    if (!this.account) this.remember(() => this.restore(before));
    this.changed();
  }

  /** Forget everything in this browser. */
  clear() {
    forget();
    this.ratings.clear();
    this.hidden.clear();
    this.undos = [];
    this.changed();
  }

  /** Take the last change back; whether there was one. */
  async undo() {
    const undo = this.undos.pop();
    if (undo) await undo();
    return Boolean(undo);
  }

  /**
   * Her history from her account, instead of this browser's.
   * @param {import("./api.js").Api} api @param {number | string} user
   */
  async open(api, user) {
    const { ratings, hidden } = await kept(api, user);
    this.account = { api, user };
    this.undos = [];
    this.ratings = new Map(ratings.map((row) => [row.movie, row]));
    this.hidden = new Map(hidden.map((row) => [row.movie, row]));
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
    this.remember(() => this.put(movie, before));
    this.changed();
    await this.sync(movie, before);
  }

  /** @param {number | string} movie */
  at(movie) {
    return { rated: this.ratings.get(movie), hidden: this.hidden.get(movie) };
  }

  /** Set one movie back to a state. @param {number | string} movie @param {ReturnType<History["at"]>} state */
  async put(movie, state) {
    const before = this.at(movie);
    this.lay(movie, state);
    this.changed();
    await this.sync(movie, before);
  }

  /** @param {number | string} movie @param {ReturnType<History["at"]>} state */
  lay(movie, { rated, hidden }) {
    if (rated) this.ratings.set(movie, rated);
    else this.ratings.delete(movie);
    if (hidden) this.hidden.set(movie, hidden);
    else this.hidden.delete(movie);
  }

  /** Write what changed about one movie to the account; what can't be written isn't shown as if it were. */
  async sync(/** @type {number | string} */ movie, /** @type {ReturnType<History["at"]>} */ before) {
    if (!this.account) return;
    const { api, user } = this.account;
    const mine = `/v1/users/${encodeURIComponent(user)}`;
    const [id, now] = [encodeURIComponent(movie), this.at(movie)];
    try {
      if (now.rated && now.rated !== before.rated) {
        if (this.plain) await api.put(`${mine}/events/like/${id}`);
        else await api.put(`${mine}/ratings/${id}`, { rating: now.rated.rating, time: now.rated.time });
      }
      if (before.rated && !now.rated) await api.delete(`${mine}/ratings/${id}`);
      if (now.hidden && now.hidden !== before.hidden) await api.put(`${mine}/events/${now.hidden.kind}/${id}`);
      if (before.hidden && before.hidden.kind !== now.hidden?.kind) await api.delete(`${mine}/events/${before.hidden.kind}/${id}`);
    } catch (error) {
      this.lay(movie, before);
      this.undos.pop();
      this.changed();
      this.dispatchEvent(new CustomEvent("failed", { detail: /** @type {Error} */ (error).message }));
    }
  }

  /** @param {() => Promise<void> | void} undo */
  remember(undo) {
    this.undos.push(undo);
    if (this.undos.length > UNDOS) this.undos.shift();
  }

  snapshot() {
    return { ratings: new Map(this.ratings), hidden: new Map(this.hidden) };
  }

  /** @param {ReturnType<History["snapshot"]>} state */
  restore(state) {
    this.ratings = state.ratings;
    this.hidden = state.hidden;
    this.changed();
  }

  changed() {
    if (!this.account) this.save();
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Read what this browser keeps; what isn't ours or is broken counts as nothing. */
  load() {
    try {
      const { ratings, hidden, plain } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      this.ratings = new Map(rows(ratings).filter((row) => Number.isFinite(row.rating)).map((row) => [row.movie, row]));
      this.hidden = new Map(rows(hidden).map((row) => [row.movie, row]));
      this.plain = plain === true;
    } catch {
      this.ratings = new Map();
      this.hidden = new Map();
    }
    this.dispatchEvent(new CustomEvent("change"));
  }

  save() {
    try {
      if (this.ratings.size + this.hidden.size === 0) return localStorage.removeItem(KEY);
      localStorage.setItem(KEY, JSON.stringify({ ratings: [...this.ratings.values()], hidden: [...this.hidden.values()], plain: this.plain }));
    } catch {
      this.lasts = false; // private windows and full disks: it lasts as long as the page does
    }
  }
}

/**
 * A history as the stateless routes take it.
 * @param {Iterable<{movie: number | string, rating: number}>} rated @param {Iterable<{movie: number | string, kind: Kind}>} hidden
 * @param {boolean} plain whether what was seen counts, as it does where there are no stars
 */
export function asBody(rated, hidden, plain) {
  const [said, unwanted] = [[...rated].map(({ movie, rating }) => ({ movie, rating })), [...hidden]];
  const known = new Set(said.map(({ movie }) => movie));
  const seen = plain ? unwanted.filter(({ movie, kind }) => kind === "seen" && !known.has(movie)).map(({ movie }) => ({ movie, rating: 1 })) : [];
  return { ratings: [...said, ...seen].slice(-5000), hidden: unwanted.map(({ movie }) => movie).slice(-5000) };
}

/**
 * What an account keeps.
 * @param {import("./api.js").Api} api @param {number | string} user
 * @returns {Promise<{ratings: Rated[], hidden: Hidden[]}>}
 */
export async function kept(api, user) {
  const path = `/v1/users/${encodeURIComponent(user)}`;
  const [{ ratings }, { events }] = await Promise.all([api.get(`${path}/ratings`), api.get(`${path}/events`)]);
  const kinds = /** @type {Kind[]} */ (["seen", "not_interested"]);
  return {
    ratings: ratings.map((/** @type {any} */ row) => ({ ...fact(row), rating: row.rating, time: row.time ?? 0 })),
    hidden: kinds.flatMap((kind) => (events[kind] ?? []).map((/** @type {number | string} */ movie) => ({ movie, kind, time: 0 }))),
  };
}

/** @param {unknown} list @returns {any[]} */
function rows(list) {
  return Array.isArray(list) ? list.filter((row) => ["number", "string"].includes(typeof row?.movie)) : [];
}

/** @param {Movie} movie @returns {Movie} */
function fact({ movie, title, year = null, genres = [] }) {
  return { movie, title: title?.slice(0, 300), year, genres };
}

/** Epoch seconds. */
function now() {
  return Math.floor(Date.now() / 1000);
}
