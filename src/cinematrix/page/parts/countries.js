/** The country of the reader, whose streaming services and certifications count, and names of countries. */

import { format } from "./language.js";

/** Local-storage key of the country that was chosen last. */
const COUNTRY_KEY = "cinematrix-country";

const names = new Intl.DisplayNames(format.locale, { type: "region" });

/** The name of a country in the page's language. @param {string} code */
export function countryName(code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

/** The country chosen last, or that of the browser's language. */
export function preferredCountry() {
  try {
    const stored = localStorage.getItem(COUNTRY_KEY);
    if (stored) return stored;
  } catch { /* without storage the language decides */ }
  return new Intl.Locale(navigator.language).maximize().region ?? "US";
}

/** Keep the country that the user chose. @param {string} code */
export function storeCountry(code) {
  try {
    if (code) localStorage.setItem(COUNTRY_KEY, code);
  } catch { /* it lasts as long as the view */ }
}
