/** Ages from which certifications allow films, for profiles limited to an age. The browser keeps them for the time without the server. */

import { preferredCountry } from "./countries.js";

/** Key in localStorage of the last response. */
const KEY = "cinematrix-ages";

/** @typedef {{country: string, ages: {age: number, movies: (number | string)[]}[]}} KnownAges */

/** Ages by the films' IDs as text, and their country. @type {{country: string | null, ages: Map<string, number>}} */
let known = { country: null, ages: new Map() };

/** Requests of a tab, by model version and country. @type {Map<string, Promise<void>>} */
const ASKED = new Map();

/** The age of a film's certification; undefined if it isn't known. @param {number | string} movie */
export const ageOf = (movie) => known.ages.get(String(movie));

/**
 * Have the ages in the reader's country: those of the server, or those kept from before while it is asked.
 * @param {import("./api.js").Api} api @param {string} version of the model
 */
export async function loadAges(api, version) {
  const country = preferredCountry();
  const key = `${version} ${country}`;
  const asked = ASKED.get(key) ?? api.get("/v1/facts/ages", { country }).then(keep, () => { ASKED.delete(key); });
  ASKED.set(key, asked);
  if (known.country !== country) take(kept());
  if (known.country !== country) await asked;
}

/** @param {KnownAges | null} answer */
function take(answer) {
  if (!answer) return;
  known = { country: answer.country, ages: new Map(answer.ages.flatMap(({ age, movies }) => movies.map((movie) => [String(movie), age]))) };
}

/** Use a response, and keep it. @param {KnownAges} answer */
function keep(answer) {
  take(answer);
  try {
    localStorage.setItem(KEY, JSON.stringify(answer));
  } catch { /* without storage they last as long as the page */ }
}

/** The response kept, or null. @returns {KnownAges | null} */
function kept() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof stored?.country === "string" && Array.isArray(stored.ages) && stored.ages.every((/** @type {any} */ each) => Number.isInteger(each?.age) && Array.isArray(each.movies)) ? stored : null;
  } catch {
    return null;
  }
}
