/**
 * The page's language: its words and formats, loaded before the modules that import them. `theme.js` has chosen it, by the
 * user's choice or else the browser's languages, and set it as the document's.
 */

import { makeFormats } from "../words/formats.js";

/** Languages that the page has, by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** Name in localStorage of the language chosen on the page. `theme.js` reads it. */
const KEY = "cinematrix-language";

export const language = document.documentElement.lang;

/** Numbers and dates as the browser's region writes them, if it is one of the language: `de-AT`. */
export const format = makeFormats(navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language);

/** @type {ReturnType<typeof import("../words/en.js").makeWords>} */
export const words = (await import(`../words/${language}.js`)).makeWords(format);

/** The name of a genre; the catalog's own if the language has no word for it. @param {string} genre */
export const genreName = (genre) => /** @type {Record<string, string>} */ (words.genres)[genre] ?? genre;

/** Keep another language, and open the page in it. @param {string} chosen */
export function switchLanguage(chosen) {
  try {
    localStorage.setItem(KEY, chosen);
  } catch { /* without storage the browser's language applies */ }
  location.reload();
}
