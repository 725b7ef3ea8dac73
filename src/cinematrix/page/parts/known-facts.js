/** Facts of a film that the server knows, as rows of the film's page. */

import { countryName } from "./countries.js";
import { languageName } from "./fact-filters.js";
import { runningTime } from "./film-details.js";
import { words } from "./language.js";
import { personLinks } from "./people.js";

/** @typedef {{runtime: number | null, languages: string[], original_title: string | null, directors: string[], cast: string[], certification: string | null, age: number | null}} KnownFacts */

/**
 * The rows of facts. What TMDB's details say is left out if they are shown.
 * @param {KnownFacts | undefined} facts @param {boolean} detailed whether TMDB's details are shown @returns {(string | (Node | string)[] | null)[][]}
 */
export function knownRows(facts, detailed) {
  if (!facts) return [];
  const own = [
    [words.filmPage.director, personLinks(facts.directors)],
    [words.filmPage.cast, personLinks(facts.cast)],
    [words.filmPage.originalTitle, facts.original_title],
    [words.filmPage.runningTime, facts.runtime ? runningTime(facts.runtime) : null],
    [words.filmPage.languages(facts.languages.length), facts.languages.map(languageName).join(", ")],
  ];
  return [...(detailed ? [] : own), [words.facts.certification, certificationText(facts.certification)]];
}

/** A certification as text; one from TMDB, such as `DE:12`, has its country in words. @param {string | null} text */
function certificationText(text) {
  const [, code, label] = /^([A-Z]{2}):(.+)$/.exec(text ?? "") ?? [];
  return code ? words.facts.certified(label, countryName(code)) : text;
}
