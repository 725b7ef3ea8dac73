/** The people of a household: named profiles in this browser. Each has a history, filters, lists, and perhaps a limit. */

import { ageOf } from "./ages.js";
import { words } from "./language.js";

/** Key in localStorage of the list of profiles. */
const KEY = "cinematrix-profiles";

/** ID of the first profile, whose data have the names that they had before there were profiles. */
const FIRST = "1";

/** Names in localStorage of what belongs to one profile. */
const OWNED = ["cinematrix-history", "cinematrix-unmatched", "cinematrix-lists", "cinematrix-matched", "cinematrix-shared"];

/** Maximum profiles, and letters of a name. */
export const [MAX_PROFILES, MAX_NAME] = [8, 30];

/** Maximum age of a limit. */
const MAX_AGE = 21;

/**
 * Genres that each film of the profile has, genres that none has, and the age for which each is certified, null for any.
 * @typedef {{with: string[], without: string[], age: number | null}} Limit
 */
/** `filters`: those that the profile used last, as an address's query. @typedef {{id: string, name: string, limit: Limit, filters: string}} Profile */

/** Fires `change` when the list or the current profile changes, also in another tab (`detail` is "elsewhere" then). @extends EventTarget */
export class Profiles extends EventTarget {
  constructor() {
    super();
    /** @type {Profile[]} */
    this.all = [];
    /** @type {Profile} */
    this.current = newProfile(FIRST, words.household.me);
    this.load();
    addEventListener("storage", (event) => {
      if (event.key !== KEY) return;
      this.load();
      this.dispatchEvent(new CustomEvent("change", { detail: "elsewhere" }));
    });
  }

  /** The name in localStorage of a part of a profile's data. @param {string} name one of `OWNED` @param {string} [id] */
  key(name, id = this.current.id) {
    return id === FIRST ? name : `${name}-${id}`;
  }

  /** The profiles other than the current one. */
  get others() {
    return this.all.filter(({ id }) => id !== this.current.id);
  }

  /** Add a profile and return it. @param {string} name */
  add(name) {
    const id = String(Math.max(...this.all.map((each) => Number(each.id))) + 1);
    const profile = newProfile(id, name);
    this.all.push(profile);
    this.save();
    return profile;
  }

  /** Change the name, the limit or the filters of a profile. @param {string} id @param {Partial<Profile>} changes */
  update(id, changes) {
    for (const profile of this.all) if (profile.id === id) Object.assign(profile, changes);
    this.save();
  }

  /** Delete a profile with all its data. The last one stays. @param {string} id */
  remove(id) {
    if (this.all.length === 1) return;
    this.all = this.all.filter((each) => each.id !== id);
    for (const name of OWNED) localStorage.removeItem(this.key(name, id));
    if (this.current.id === id) [this.current] = this.all;
    this.save();
  }

  /** Make another profile the current one. @param {string} id */
  select(id) {
    this.current = this.all.find((each) => each.id === id) ?? this.current;
    this.save();
  }

  /** Read a part of a profile's data, or null. @param {string} name @param {string} [id] @returns {any} */
  read(name, id) {
    try {
      return JSON.parse(localStorage.getItem(this.key(name, id)) ?? "null");
    } catch {
      return null;
    }
  }

  /** Write a part of the current profile's data; null deletes it. Returns whether that was possible. @param {string} name @param {unknown} value */
  write(name, value) {
    try {
      if (value === null) localStorage.removeItem(this.key(name));
      else localStorage.setItem(this.key(name), JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  /** Load the list; invalid entries are ignored. */
  load() {
    const stored = parse(localStorageItem(KEY));
    const all = (Array.isArray(stored?.all) ? stored.all : []).filter((/** @type {any} */ each) => /^\d{1,6}$/.test(each?.id) && typeof each.name === "string");
    this.all = all.length ? all.map((/** @type {any} */ each) => ({ ...newProfile(each.id, each.name), limit: validLimit(each.limit), filters: String(each.filters ?? "") })) : [newProfile(FIRST, words.household.me)];
    this.current = this.all.find(({ id }) => id === stored?.current) ?? this.all[0];
  }

  /** Store the list, and fire `change`. */
  save() {
    try {
      const plain = this.all.length === 1 && this.current.id === FIRST && JSON.stringify(this.current) === JSON.stringify(newProfile(FIRST, words.household.me));
      if (plain) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, JSON.stringify({ current: this.current.id, all: this.all }));
    } catch {
      // Without storage the profiles last as long as the page.
    }
    this.dispatchEvent(new CustomEvent("change"));
  }
}

/** The conditions of limits, as text for the API. @param {Limit[]} limits */
export function limitConditions(limits) {
  const quoted = (/** @type {string} */ genre) => `"${genre.replaceAll('"', "")}"`;
  const conditions = limits.flatMap((limit) => [...limit.with.map((genre) => `genre=${quoted(genre)}`), ...limit.without.map((genre) => `genre!=${quoted(genre)}`)]);
  return [...new Set(conditions)];
}

/** The ages of limits, as parameters for the API. @param {Limit[]} limits @param {string} country whose certifications count */
export function limitAge(limits, country) {
  const ages = limits.flatMap(({ age }) => (age === null ? [] : [age]));
  return ages.length ? { max_age: Math.min(...ages), age_country: country } : {};
}

/** Whether a limit leaves out any film. @param {Limit} limit */
export const isLimited = (limit) => limit.with.length + limit.without.length > 0 || limit.age !== null;

/** Whether a limit allows a film; by age none whose certification isn't known. @param {Limit} limit @param {{movie: number | string, genres?: string[]}} film */
export function allows(limit, { movie, genres = [] }) {
  const young = limit.age === null || (ageOf(movie) ?? Infinity) <= limit.age;
  return young && limit.with.every((genre) => genres.includes(genre)) && !limit.without.some((genre) => genres.includes(genre));
}

/** @returns {Limit} */
export const noLimit = () => ({ with: [], without: [], age: null });

/** @param {string} id @param {string} name @returns {Profile} */
const newProfile = (id, name) => ({ id, name: name.slice(0, MAX_NAME), limit: noLimit(), filters: "" });

/** @param {any} limit @returns {Limit} */
function validLimit(limit) {
  const names = (/** @type {unknown} */ list) => (Array.isArray(list) ? list.filter((each) => typeof each === "string") : []);
  const age = Number.isInteger(limit?.age) && limit.age >= 0 && limit.age <= MAX_AGE ? limit.age : null;
  return { with: names(limit?.with), without: names(limit?.without), age };
}

/** @param {string} name */
function localStorageItem(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string | null} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
