/**
 * The user's history: ratings and marks.
 *
 * Without an account it is that of a profile in this browser's localStorage, and is sent with each request. With an
 * account it is on the server: it is loaded once, and each change is written there, later if the server can't be reached.
 * The tab keeps a copy of it, for a reload without the server. With a model without stars, a rating means that the user
 * liked the film, and seen films count as ratings.
 */

import { changesOf, loadAccount } from "./account.js";
import { requestBody, historyRatings } from "./body.js";
import { mergeFilms } from "./history-file.js";
import { OUTBOX, Outbox } from "./outbox.js";
import { Profiles, noLimit } from "./profiles.js";
import { clearTab, writeTab, readTab } from "./tab.js";
import { UNMATCHED, UnmatchedFilms } from "./unmatched-films.js";
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

/** Names in localStorage of a profile's history, and in the tab of an account's copy. */
const [KEY, COPY] = ["cinematrix-history", "account"];

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
  constructor(profiles = new Profiles()) {
    super();
    this.profiles = profiles;
    this.outbox = new Outbox();
    /** Parcels of the outbox whose change waits for its answer, and is reverted if it is refused. @type {Set<string>} */
    this.live = new Set();
    /** The scale of ratings, from the model. @type {import("./stars.js").Scale | null} */
    this.scale = null;
    /** Films of imports that the catalog lacks. */
    this.unmatched = new UnmatchedFilms(this);
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
    /** Whether another tab has changed the account since it was loaded. */
    this.behind = false;
    /** ID of the profile whose history is loaded. */
    this.profile = profiles.current.id;
    /** Whether localStorage works. */
    this.persistent = true;
    /** Whether the model has no stars: it was trained on plain interactions. */
    this.plain = false;
    this.load();
    addEventListener("storage", (event) => {
      if (event.key === OUTBOX) this.catchUp();
      if ([KEY, UNMATCHED].some((name) => event.key === profiles.key(name)) && !this.account) this.load();
    });
    profiles.addEventListener("change", () => {
      if (this.profile === profiles.current.id) return;
      this.profile = profiles.current.id;
      if (this.account) return;
      clearTab();
      this.undos = [];
      this.load();
    });
    this.tabs = new BroadcastChannel(CHANNEL);
    this.tabs.addEventListener("message", ({ data }) => this.follow(data).catch(() => { /* the next change or view asks the server again */ }));
  }

  /** Call `listener` for events of a `kind` until `signal` aborts: `change`, `failed` (with the error), `full` (no storage). */
  on(/** @type {string} */ kind, /** @type {(event: CustomEvent) => void} */ listener, /** @type {AbortSignal} */ signal) {
    this.addEventListener(kind, /** @type {EventListener} */ (listener), { signal });
    return () => this.removeEventListener(kind, /** @type {EventListener} */ (listener));
  }

  /** Whose history it is, in words that no other account or profile shares. */
  get owner() {
    return this.account ? `account ${this.account.user}` : `profile ${this.profile}`;
  }

  /** The limit of the profile; an account has none. @returns {import("./profiles.js").Limit} */
  get limit() {
    return this.account ? noLimit() : this.profiles.current.limit;
  }

  /** Number of changes that wait for the server. */
  get waiting() {
    return this.account ? this.outbox.of(this.account.user).length : 0;
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

  /** Put movies on the watchlist as one change. @param {Movie[]} movies */
  async wantAll(movies) {
    const before = movies.map(({ movie }) => /** @type {const} */ ([movie, this.stateOf(movie)]));
    for (const movie of movies) this.setState(movie.movie, { ...this.stateOf(movie.movie), watchlist: { ...movieFields(movie), time: now() }, hidden: undefined });
    this.pushUndo(() => Promise.all(before.map(([movie, state]) => this.restore(movie, state))));
    this.notify();
    for (const [movie, state] of before) await this.sync(movie, state);
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
    if (added.length) this.keepTitles();
  }

  /** Remove a mark of a movie. @param {number | string} movie @param {"hidden" | "watchlist" | "likes"} part */
  drop(movie, part) {
    return this.change(movie, () => this[part].delete(movie));
  }

  /** Whether there are no ratings and no marks. */
  get empty() {
    return PARTS.every((part) => part === "gone" || this[part].size === 0) && this.unmatched.size === 0;
  }

  /** Merge an upload as one change; returns the numbers of new and of replaced entries. @param {Upload} upload */
  importUpload(upload) {
    const movies = [...upload.ratings.map((row) => row.movie), ...Object.values(upload.events).flat(), ...(upload.films ?? []).map((film) => film.movie)];
    const unmatched = [...this.unmatched.values()];
    const states = () => new Map(movies.map((movie) => [movie, this.stateOf(movie)]));
    const before = states();
    const merged = upload.films ? mergeFilms(this, upload.films, now()) : this.merge(upload);
    this.unmatched.keep([...(upload.unmatched ?? []), ...(upload.newer ?? [])].filter((row) => !this.pickFor(row)));
    const after = states();
    this.pushUndo(() => {
      this.unmatched.replace(unmatched);
      this.unmatched.save();
      for (const [movie, state] of before) if (equalStates(this.stateOf(movie), after.get(movie))) this.setState(movie, state);
      this.notify();
    });
    this.notify();
    return merged;
  }

  /** Match rows of one name to a film and merge them. The next upload uses the same match. @param {Row[]} rows @param {Movie} movie */
  pick(rows, movie) {
    this.setPick(rows[0], { ...movieFields(movie), before: this.stateOf(movie.movie) });
    this.unmatched.drop(rows);
    return this.change(movie.movie, () => {
      this.gone.delete(movie.movie);
      for (const row of rows) this.merge(rowAsUpload(row, movie));
    }, () => this.unmatched.keep(rows));
  }

  /** Undo a pick and its merged entries; a rating set since then stays. @param {Row} row */
  unpick(row) {
    const { movie, before } = /** @type {Pick} */ (this.picks.get(rowName(row)));
    const { ratings } = this.stateOf(movie);
    const ratedSince = ratings && ratings.rating !== row.rating;
    this.setPick(row, null);
    this.unmatched.keep([row]);
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

  /** Merge unmatched films that were found, and keep the others. @param {Upload} outcome */
  importMatched({ films = [], unmatched = [], newer = [] }) {
    mergeFilms(this, films, now());
    this.unmatched.clear();
    this.unmatched.keep([...unmatched, ...newer]);
    this.notify();
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
    this.unmatched.clear();
    this.unmatched.save();
    for (const name of ["cinematrix-lists", "cinematrix-matched"]) this.profiles.write(name, null);
    this.profiles.update(this.profile, { filters: "" });
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
    this.adopt(api, user, stored);
  }

  /**
   * Show the account as the tab knows it, because the server can't be reached. Returns whether the tab knows it.
   * @param {import("./api.js").Api} api
   */
  reopen(api) {
    const copy = readTab(COPY);
    if (!copy || !Array.isArray(copy.ratings)) return false;
    this.adopt(api, copy.user, copy);
    return true;
  }

  /** @param {import("./api.js").Api} api @param {number | string} user @param {Awaited<ReturnType<typeof loadAccount>>} stored */
  adopt(api, user, stored) {
    this.account = { api, user };
    this.undos = [];
    this.setAccount(stored);
    this.picks = new Map(validPicks(readTab(PICKS)));
    this.notify();
  }

  /** @param {Awaited<ReturnType<typeof loadAccount>>} stored */
  setAccount({ unmatched, ...stored }) {
    this.setParts({ ...stored, gone: [] });
    this.unmatched.replace(unmatched);
  }

  /** Load the account again that another tab has changed. @param {number | string} user */
  async follow(user) {
    const { account } = this;
    if (account?.user !== user) return;
    this.behind = true;
    if (this.waiting) return; // or another tab's storage isn't here yet; `catchUp` follows
    const stored = await loadAccount(account.api, user);
    if (this.account !== account || this.waiting) return;
    this.behind = false;
    this.setAccount(stored);
    this.notify();
  }

  /** Load the account that another tab has changed while changes were waiting. */
  catchUp() {
    if (this.behind && this.account && !this.waiting) this.follow(this.account.user).catch(() => { /* the next change or view asks the server again */ });
  }

  /** Leave the account, and load the browser's history. @param {boolean} [forget] whether changes that wait for the server are lost */
  close(forget = true) {
    if (this.account && forget) this.outbox.clear(this.account.user);
    clearTab();
    this.account = null;
    this.undos = [];
    this.load();
  }

  /** Apply a change to one movie, make it undoable, and write it to the account. @param {number | string} movie @param {() => void} alter @param {() => void} [undone] called when it is undone */
  async change(movie, alter, undone) {
    const before = this.stateOf(movie);
    alter();
    const undo = () => {
      undone?.();
      return this.restore(movie, before);
    };
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
   * Write the change of one movie to the account, after those before it. If the server can't be reached, it waits; if the
   * server refuses it, it is reverted. Returns false then.
   * @param {number | string} movie @param {ReturnType<History["stateOf"]>} before @param {() => unknown} [undo] undoes the change
   */
  async sync(movie, before, undo) {
    const { account, outbox } = this;
    if (!account) return true;
    const state = this.stateOf(movie);
    const changes = changesOf(movie, { before, now: state, plain: this.plain, time: now() });
    if (!changes.length) return true;
    const id = outbox.add(account.user, state.ratings?.title ?? before.ratings?.title ?? "", changes);
    this.live.add(id);
    const { stopped } = await this.send(account);
    this.live.delete(id);
    const error = outbox.failure(id, stopped);
    if (!error) return true;
    outbox.drop(id);
    if (this.account === account) {
      this.setState(movie, before);
      this.undos = this.undos.filter((each) => each !== undo);
      this.notify();
    }
    this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    return false;
  }

  /** Send what waits for the server, and fire `sent`. @param {NonNullable<History["account"]>} account */
  async send(account) {
    const answer = await this.outbox.send(account.api, account.user);
    if (!answer.stopped) this.tabs.postMessage(account.user);
    this.catchUp();
    this.dispatchEvent(new CustomEvent("sent", { detail: answer }));
    return answer;
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

  /** Save titles that were added. */
  keepTitles() {
    if (this.account) this.keepCopy();
    else this.save();
  }

  /** Keep a copy of the account's history in the tab. */
  keepCopy() {
    writeTab(COPY, { user: this.account?.user, ...this.mapParts((part) => [...this[part].values()]), unmatched: [...this.unmatched.values()] });
  }

  /** Save the history, or the copy of the account's, and fire `change`. */
  notify() {
    this.keepTitles();
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Load the browser's history; invalid entries are ignored. */
  load() {
    try {
      const stored = this.profiles.read(KEY) ?? {};
      this.unmatched.replace(this.profiles.read(UNMATCHED));
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
    const nothing = PARTS.every((part) => this[part].size === 0);
    this.stored(this.profiles.write(KEY, nothing ? null : { ...this.mapParts((part) => [...this[part].values()]), picks: [...this.picks], plain: this.plain }));
  }

  /** Note whether something was stored; the first time that it wasn't, fire `full`. @param {boolean} possible */
  stored(possible) {
    if (!possible && this.persistent) this.dispatchEvent(new CustomEvent("full"));
    this.persistent = possible;
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
