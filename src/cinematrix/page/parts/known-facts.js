/** Facts of a film that the server knows, as rows of the film's page. */

import { languageName } from "./fact-filters.js";
import { runningTime } from "./film-details.js";
import { personLinks } from "./people.js";

/** @typedef {{runtime: number | null, languages: string[], original_title: string | null, directors: string[], cast: string[], certification: string | null}} KnownFacts */

/**
 * The rows of facts. What TMDB's details say is left out if they are shown.
 * @param {KnownFacts | undefined} facts @param {boolean} detailed whether TMDB's details are shown @returns {(string | (Node | string)[] | null)[][]}
 */
export function knownRows(facts, detailed) {
  if (!facts) return [];
  const own = [
    ["Director", personLinks(facts.directors)],
    ["Cast", personLinks(facts.cast)],
    ["Original title", facts.original_title],
    ["Running time", facts.runtime ? runningTime(facts.runtime) : null],
    [facts.languages.length > 1 ? "Languages" : "Language", facts.languages.map(languageName).join(", ")],
  ];
  return [...(detailed ? [] : own), ["Certification", facts.certification]];
}
