/** Filters by facts of films: running time, language, and streaming service. Each is there once the fact of enough films is known. */

import { countryName, preferredCountry, storeCountry } from "./countries.js";
import { element } from "./dom.js";
import { outbound } from "./film-facts.js";
import { format, words } from "./language.js";

/** Address parameters of the filters; a service has its country before it, as in `FR Arte`. */
export const FACT_FILTERS = ["runtime", "language", "service"];

/** Share of the films whose fact must be known for its filter to be offered. */
const FAIR_SHARE = 0.5;

/** Whether a fact is known of enough films. @param {number} known @param {number} movies */
export const isFair = (known, movies) => known > 0 && known >= FAIR_SHARE * movies;

/** Running times offered, in minutes. */
const RUNTIMES = [80, 90, 100, 120, 150, 180];

/** @typedef {{movies: number, runtime: number, language: number, certification: number, services: number, languages: {language: string, movies: number}[],
 *   countries: string[], streaming: {service: string, movies: number}[], attribution: string | null}} Facts */
/** @typedef {(changes: Record<string, string | null>) => void} Update */
/** @typedef {import("../app.js").App} App */

/** Requests of a tab, by model version and country. @type {Map<string, Promise<Facts | null>>} */
const ASKED = new Map();

/** What the server knows; null if there is nothing to filter by, or no answer. @param {App} app @param {string} [country] @returns {Promise<Facts | null>} */
export async function knownFacts(app, country = chosen(app.params).country) {
  await app.asked;
  if (!app.model.facts) return null;
  const key = `${app.model.version} ${country}`;
  const asked = ASKED.get(key) ?? app.api.get("/v1/facts", { country }).catch(() => {
    ASKED.delete(key);
    return null;
  });
  ASKED.set(key, asked);
  return asked;
}

/** The service and country of the address. @param {URLSearchParams} params */
function chosen(params) {
  const [, country = "", service = ""] = /^([A-Z]{2}) (.{1,200})$/.exec(params.get("service") ?? "") ?? [];
  return { country: country || preferredCountry(), service };
}

/** Remove values that the server doesn't know. @param {URLSearchParams} params @param {Facts | null} facts */
function dropUnknown(params, facts) {
  const { service } = chosen(params);
  if (!facts?.runtime || !/^[1-9]\d{0,3}$/.test(params.get("runtime") ?? "")) params.delete("runtime");
  if (!facts?.languages.some(({ language }) => language === params.get("language"))) params.delete("language");
  if (!facts?.streaming.some((each) => each.service === service)) params.delete("service");
}

/**
 * The filters' values as API parameters.
 * @param {App} app
 * @returns {Promise<{max_runtime?: number, language?: string, service?: string, country?: string}>}
 */
export async function factParameters(app) {
  const { params } = app;
  if (!FACT_FILTERS.some((name) => params.has(name))) return {};
  dropUnknown(params, await knownFacts(app));
  const [runtime, language] = [params.get("runtime"), params.get("language")];
  return { ...(runtime && { max_runtime: Number(runtime) }), ...(language && { language }), ...(params.has("service") && chosen(params)) };
}

/** The controls; null if none is offered. @param {App} app @param {Update} update @param {Facts | null} facts */
export function factControls(app, update, facts) {
  if (!facts) return null;
  const fair = (/** @type {number} */ known) => isFair(known, facts.movies);
  const offered = [
    fair(facts.runtime) && runtimeControl(app, update, facts),
    fair(facts.language) && languageControl(app, update, facts),
    fair(facts.services) && facts.countries.length > 0 && serviceControl(app, update, facts),
  ].filter((control) => control instanceof HTMLElement);
  return offered.length > 0 && element("div", { class: "fact-filters" }, offered);
}

/** @param {App} app @param {Update} update @param {Facts} facts */
function runtimeControl(app, update, facts) {
  const now = app.params.get("runtime");
  const minutes = [...new Set([...RUNTIMES, ...(now ? [Number(now)] : [])])].sort((one, other) => one - other);
  const options = minutes.map((n) => ({ value: String(n), label: words.facts.atMost(n) }));
  return labelled(words.facts.runtime, selection(options, words.facts.anyLength, now, (runtime) => update({ runtime })), facts.movies - facts.runtime);
}

/** @param {App} app @param {Update} update @param {Facts} facts */
function languageControl(app, update, facts) {
  const options = facts.languages.map(({ language, movies }) => ({ value: language, label: words.facts.option(languageName(language), movies) }));
  return labelled(words.facts.language, selection(options, words.facts.anyLanguage, app.params.get("language"), (language) => update({ language })), facts.movies - facts.language);
}

/** The services of a country, and the country. @param {App} app @param {Update} update @param {Facts} facts */
function serviceControl(app, update, facts) {
  const { country, service } = chosen(app.params);
  const place = element("span", {});
  const draw = (/** @type {string} */ code, /** @type {Facts} */ { streaming }) => place.replaceChildren(
    selection(streaming.map((each) => ({ value: each.service, label: words.facts.option(each.service, each.movies) })), words.facts.anyService,
      code === country ? service : null, (name) => update({ service: name && `${code} ${name}` }), words.facts.service));
  const codes = [...new Set([...facts.countries, country])].sort((one, other) => countryName(one).localeCompare(countryName(other)));
  const countries = selection(codes.map((code) => ({ value: code, label: countryName(code) })), null, country, async (code) => {
    storeCountry(code ?? "");
    update({ service: null });
    const known = await knownFacts(app, code ?? "");
    if (known && !app.signal.aborted) draw(code ?? "", known);
  }, words.facts.country);
  draw(country, facts);
  return element("div", { class: "least streaming", role: "group", "aria-label": words.facts.streamsAt }, element("span", {}, words.facts.streamsAt), element("span", { class: "pair" }, place, countries),
    element("small", {}, words.facts.leavesOut(facts.movies - facts.services), words.facts.dataBy(outbound("https://www.justwatch.com/", "JustWatch"))));
}

/**
 * A list to choose from; `none` is the choice that sets no filter.
 * @param {{value: string, label: string}[]} options @param {string | null} none @param {string | null} now @param {(value: string | null) => void} choose @param {string} [name]
 */
export function selection(options, none, now, choose, name) {
  return element("select", { "aria-label": name, onchange: (/** @type {Event} */ event) => choose(/** @type {HTMLSelectElement} */ (event.target).value || null) },
    none !== null && element("option", { value: "" }, none),
    options.map(({ value, label }) => element("option", { value, selected: value === now }, label)));
}

/** A control with its name, and how many films it leaves out because their fact isn't known. @param {string} name @param {HTMLElement} control @param {number} unknown */
const labelled = (name, control, unknown) => element("label", { class: "least" }, name, control,
  unknown > 0 && element("small", {}, words.facts.leavesOut(unknown)));

/** The name of a language in the page's language. @param {string} code */
export function languageName(code) {
  try {
    return new Intl.DisplayNames(format.locale, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
