/** List controls: genres, years, popularity, variety. Their values are in the address. */

import { preferredCountry } from "./countries.js";
import { element, icon } from "./dom.js";
import { FACT_FILTERS, factControls, factParameters, knownFacts } from "./fact-filters.js";
import { genreName, words } from "./language.js";
import { limitAge, limitConditions } from "./profiles.js";

/** Address parameters of the controls. */
const NAMES = ["with", "without", "from", "to", ...FACT_FILTERS, "novelty", "diversity", "min"];

/** The controls that depend on the film alone. */
export const FILM_FILTERS = ["with", "without", "from", "to", ...FACT_FILTERS];

/** Choices of the minimum ratings per film. */
const MIN_RATINGS = [0, 5, 20, 50, 100, 500];

/** Milliseconds between the last change and the request of a new list. */
const DEBOUNCE = 250;

/** Values of a comma-separated parameter. @param {URLSearchParams} params @param {string} name */
const listParameter = (params, name) => (params.get(name) ?? "").split(",").filter(Boolean);

/** Genres that each film must have. @param {URLSearchParams} params */
export const wantedGenres = (params) => listParameter(params, "with");

/** A valid year as text, or null. @param {string | null} text */
const parseYear = (text) => (text && /^\d{1,4}$/.test(text) ? text : null);

/** Parse a number and limit it to 0 to 1. @param {string | null} text */
const parseShare = (text) => Math.min(1, Math.max(0, Number(text) || 0));

/** Remove invalid years and unknown genres from the parameters. @param {import("../app.js").App} app */
function dropInvalid({ params, model: { genres } }) {
  for (const name of ["from", "to"]) if (!parseYear(params.get(name))) params.delete(name);
  for (const name of ["with", "without"]) {
    if (genres && params.has(name)) params.set(name, listParameter(params, name).filter((genre) => genres.includes(genre)).join(","));
  }
}

/**
 * The controls' values and the profiles' limits as API parameters, without those at their default.
 * @param {import("../app.js").App} app
 * @returns {Promise<{where?: string, min_ratings?: number, novelty?: number, diversity?: number, max_runtime?: number, language?: string, service?: string, country?: string, max_age?: number, age_country?: string}>}
 */
export async function dialParameters(app, limits = [app.history.limit]) {
  const { params } = app;
  const limit = limitConditions(limits);
  if (params.has("with") || params.has("without") || limit.length) {
    await app.asked;
    dropInvalid(app);
  }
  const known = limit.filter((condition) => !app.model.genres || app.model.genres.some((genre) => condition.endsWith(`="${genre}"`)));
  const quoted = (/** @type {string} */ genre) => `"${genre.replaceAll('"', "")}"`;
  const [from, to] = [parseYear(params.get("from")), parseYear(params.get("to"))];
  const where = [
    ...known,
    ...wantedGenres(params).map((genre) => `genre=${quoted(genre)}`),
    ...listParameter(params, "without").map((genre) => `genre!=${quoted(genre)}`),
    from && `year>=${from}`, to && `year<=${to}`,
  ].filter(Boolean).join(" ");
  const numbers = { min_ratings: Math.max(0, Math.floor(Number(params.get("min")) || 0)), novelty: parseShare(params.get("novelty")), diversity: parseShare(params.get("diversity")) };
  return { ...(where && { where }), ...(await factParameters(app)), ...limitAge(limits, preferredCountry()), ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value > 0)) };
}

/** Whether a film passes `FILM_FILTERS`. @param {URLSearchParams} params @param {import("./history.js").Movie & {leftOut?: boolean}} movie `leftOut`: it doesn't pass those by facts */
export function passesFilters(params, { genres = [], year = null, leftOut = false }) {
  const [from, to] = [parseYear(params.get("from")), parseYear(params.get("to"))];
  return !leftOut && wantedGenres(params).every((genre) => genres.includes(genre)) && !listParameter(params, "without").some((genre) => genres.includes(genre))
    && (!from || (year !== null && year >= Number(from))) && (!to || (year !== null && year <= Number(to)));
}

/** Number of controls that are set. @param {URLSearchParams} params @param {string[]} names */
const countSet = (params, names) => names.reduce((sum, name) => sum + (["with", "without"].includes(name) ? listParameter(params, name).length : params.get(name) ? 1 : 0), 0);

/** The controls' parameters as a query, "" if none is set. @param {URLSearchParams} params */
export const dialQuery = (params, names = NAMES) => new URLSearchParams(names.flatMap((name) => (params.get(name) ? [[name, params.get(name) ?? ""]] : []))).toString();

/**
 * Create the controls of a view. They are folded unless one is set, and filled once the model's genres are known.
 * @param {import("../app.js").App} app
 * @param {() => void} changed called after a change, once the address is updated and `DEBOUNCE` is over
 * @param {string[]} [names] the controls, all or `FILM_FILTERS`
 */
export function dials(app, changed, names = NAMES) {
  let timer = 0;
  const count = element("span", { class: "count" });
  const showCount = () => {
    const n = countSet(app.params, names);
    count.textContent = n ? String(n) : "";
    count.setAttribute("aria-label", n ? words.filters.set(n) : "");
    reset.hidden = n === 0;
  };
  const update = (/** @type {Record<string, string | null>} */ changes) => {
    app.keep(changes);
    app.keepFilters(dialQuery(app.params));
    showCount();
    clearTimeout(timer);
    timer = window.setTimeout(changed, DEBOUNCE);
  };
  app.signal.addEventListener("abort", () => clearTimeout(timer));
  const reset = element("button", { type: "button", class: "ghost", onclick: () => {
    update(Object.fromEntries(names.map((name) => [name, null])));
    fill().then(() => body.querySelector("button")?.focus());
  } }, icon("undo"), words.filters.reset);
  const body = element("div", { class: "dials-body" });
  const fill = async () => {
    const facts = await knownFacts(app);
    dropInvalid(app);
    showCount();
    body.replaceChildren(...[...controls(app, update, names === NAMES), factControls(app, update, facts)].filter((control) => control instanceof Node), reset);
  };
  app.asked.then(fill);
  return element("details", { class: "dials", open: dialQuery(app.params, names) !== "" },
    element("summary", {}, icon("dials"), words.filters.title, count), body);
}

/** The controls. @param {import("../app.js").App} app @param {(changes: Record<string, string | null>) => void} update @param {boolean} all */
function controls(app, update, all) {
  const { params } = app;
  return [
    genreButtons(app, update),
    element("fieldset", { class: "years" }, element("legend", {}, words.filters.years),
      yearField(words.filters.from, words.filters.fromHint, "from", params, update), element("span", { "aria-hidden": "true" }, "–"), yearField(words.filters.to, words.filters.toHint, "to", params, update)),
    all && slider(words.filters.wellKnown, words.filters.adventurous, "novelty", words.filters.novelty, params, update),
    all && slider(words.filters.alike, words.filters.varied, "diversity", words.filters.diversity, params, update),
    all && element("label", { class: "least" }, words.filters.ratedBy,
      element("select", { onchange: (/** @type {Event} */ event) => update({ min: nullIfZero(/** @type {HTMLSelectElement} */ (event.target).value) }) },
        MIN_RATINGS.map((n) => element("option", { value: n, selected: String(n) === (params.get("min") ?? "0") }, n ? words.filters.people(n) : words.filters.anyNumber)))),
  ];
}

/** Null for 0, which removes the parameter from the address. @param {string} value */
const nullIfZero = (value) => (Number(value) === 0 ? null : value);

/** One button per genre, which cycles through any, with and without. @param {import("../app.js").App} app @param {(changes: Record<string, string | null>) => void} update */
export function genreButtons(app, update) {
  const names = app.model.genres ?? [];
  const state = (/** @type {string} */ genre) => (listParameter(app.params, "with").includes(genre) ? "with" : listParameter(app.params, "without").includes(genre) ? "without" : "any");
  const next = { any: "with", with: "without", without: "any" };
  const chip = (/** @type {string} */ genre) => {
    const button = element("button", { type: "button", class: "chip" }, genreName(genre));
    const show = () => {
      button.dataset.state = state(genre);
      button.setAttribute("aria-label", words.filters[state(genre)](genreName(genre)));
    };
    button.addEventListener("click", () => {
      const now = next[state(genre)];
      const rest = (/** @type {string} */ name) => [...listParameter(app.params, name).filter((each) => each !== genre), ...(now === name ? [genre] : [])].join(",");
      update({ with: rest("with"), without: rest("without") });
      show();
    });
    show();
    return button;
  };
  if (!names.length) return null;
  return element("fieldset", { class: "genres" }, element("legend", {}, words.filters.genres), element("div", { class: "chips" }, names.map(chip)));
}

/** @param {string} label @param {string} hint @param {string} name @param {URLSearchParams} params @param {(changes: Record<string, string | null>) => void} update */
function yearField(label, hint, name, params, update) {
  return element("label", {}, element("span", { class: "quiet" }, label),
    element("input", { type: "number", min: 1870, max: 2100, inputmode: "numeric", placeholder: hint, value: params.get(name) ?? "",
      oninput: (/** @type {Event} */ event) => {
        const { value } = /** @type {HTMLInputElement} */ (event.target);
        if (value === "" || /^\d{4}$/.test(value)) update({ [name]: value });
      } }));
}

/** @param {string} low @param {string} high @param {string} name @param {string} label @param {URLSearchParams} params @param {(changes: Record<string, string | null>) => void} update */
function slider(low, high, name, label, params, update) {
  return element("div", { class: "slider" },
    element("span", { class: "ends", "aria-hidden": "true" }, element("span", {}, low), element("span", {}, high)),
    element("input", { type: "range", min: 0, max: 1, step: 0.1, value: parseShare(params.get(name)), "aria-label": label,
      oninput: (/** @type {Event} */ event) => update({ [name]: nullIfZero(/** @type {HTMLInputElement} */ (event.target).value) }) }));
}
