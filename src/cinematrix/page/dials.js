/** What she is in the mood for: genres, years, how well known, how varied. The address holds it all. */

import { element, icon } from "./dom.js";

/** The parameters of the address that are dials. */
const NAMES = ["with", "without", "from", "to", "novelty", "diversity", "min"];

/** How many ratings a film may be asked to have. */
const FEWEST = [0, 5, 20, 50, 100, 500];

/** Milliseconds from the last move of a dial to the new list. */
const PAUSE = 250;

/** @param {URLSearchParams} params @param {string} name */
const listed = (params, name) => (params.get(name) ?? "").split(",").filter(Boolean);

/** The genres that films shall have, all of them. @param {URLSearchParams} params */
export const wanted = (params) => listed(params, "with");

/** A year as the address has it, or null. @param {string | null} text */
const year = (text) => (text && /^\d{1,4}$/.test(text) ? text : null);

/** A share from 0 to 1. @param {string | null} text */
const share = (text) => Math.min(1, Math.max(0, Number(text) || 0));

/** Forget what the address has for years that are none, and genres that no film has. @param {import("./app.js").App} app */
function clean({ params, model: { genres } }) {
  for (const name of ["from", "to"]) if (!year(params.get(name))) params.delete(name);
  for (const name of ["with", "without"]) {
    if (genres && params.has(name)) params.set(name, listed(params, name).filter((genre) => genres.includes(genre)).join(","));
  }
}

/**
 * The dials as the API takes them; those at rest are left out.
 * @param {import("./app.js").App} app
 * @returns {Promise<{where?: string, min_ratings?: number, novelty?: number, diversity?: number}>}
 */
export async function asked(app) {
  const { params } = app;
  if (params.has("with") || params.has("without")) {
    await app.asked;
    clean(app);
  }
  const quoted = (/** @type {string} */ genre) => `"${genre.replaceAll('"', "")}"`;
  const [from, to] = [year(params.get("from")), year(params.get("to"))];
  const where = [
    ...wanted(params).map((genre) => `genre=${quoted(genre)}`),
    ...listed(params, "without").map((genre) => `genre!=${quoted(genre)}`),
    from && `year>=${from}`, to && `year<=${to}`,
  ].filter(Boolean).join(" ");
  const numbers = { min_ratings: Math.max(0, Math.floor(Number(params.get("min")) || 0)), novelty: share(params.get("novelty")), diversity: share(params.get("diversity")) };
  return { ...(where && { where }), ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value > 0)) };
}

/** How many dials are set. @param {URLSearchParams} params */
const set = (params) => NAMES.reduce((sum, name) => sum + (["with", "without"].includes(name) ? listed(params, name).length : params.get(name) ? 1 : 0), 0);

/**
 * The dials of a view.
 * @param {import("./app.js").App} app
 * @param {() => void} turned called a moment after a dial was moved; the address is up to date then
 */
export function dials(app, turned) {
  clean(app);
  let timer = 0;
  const count = element("span", { class: "count" });
  const say = () => {
    const n = set(app.params);
    count.textContent = n ? String(n) : "";
    count.setAttribute("aria-label", n ? `, ${n} set` : "");
    reset.hidden = n === 0;
  };
  const keep = (/** @type {Record<string, string | null>} */ changes) => {
    app.keep(changes);
    say();
    clearTimeout(timer);
    timer = window.setTimeout(turned, PAUSE);
  };
  app.signal.addEventListener("abort", () => clearTimeout(timer));
  const reset = element("button", { type: "button", class: "ghost", onclick: () => {
    keep(Object.fromEntries(NAMES.map((name) => [name, null])));
    body.replaceChildren(...parts(app, keep), reset);
    body.querySelector("button")?.focus();
  } }, icon("undo"), "Reset all");
  const body = element("div", { class: "dials-body" }, ...parts(app, keep), reset);
  say();
  return element("details", { class: "dials", open: set(app.params) > 0 },
    element("summary", {}, icon("dials"), "In the mood for", count), body);
}

/** @param {import("./app.js").App} app @param {(changes: Record<string, string | null>) => void} keep */
function parts(app, keep) {
  const { params } = app;
  return [
    genres(app, keep),
    element("fieldset", { class: "years" }, element("legend", {}, "Years"),
      number("From", "from", params, keep), element("span", { "aria-hidden": "true" }, "–"), number("To", "to", params, keep)),
    slider("Well known", "Adventurous", "novelty", "How adventurous", params, keep),
    slider("Alike", "Varied", "diversity", "How varied", params, keep),
    element("label", { class: "least" }, "Rated by at least",
      element("select", { onchange: (/** @type {Event} */ event) => keep({ min: zero(/** @type {HTMLSelectElement} */ (event.target).value) }) },
        FEWEST.map((n) => element("option", { value: n, selected: String(n) === (params.get("min") ?? "0") }, n ? `${n} people` : "anybody")))),
  ];
}

/** A dial at 0 leaves the address. @param {string} value */
const zero = (value) => (Number(value) === 0 ? null : value);

/** Each genre is one button: any, only with it, only without it. @param {import("./app.js").App} app @param {(changes: Record<string, string | null>) => void} keep */
function genres(app, keep) {
  const names = app.model.genres ?? [];
  const state = (/** @type {string} */ genre) => (listed(app.params, "with").includes(genre) ? "with" : listed(app.params, "without").includes(genre) ? "without" : "any");
  const after = { any: "with", with: "without", without: "any" };
  const chip = (/** @type {string} */ genre) => {
    const button = element("button", { type: "button", class: "chip" }, genre);
    const show = () => {
      button.dataset.state = state(genre);
      button.setAttribute("aria-label", `${genre}: ${{ any: "with or without", with: "only with it", without: "only without it" }[state(genre)]}`);
    };
    button.addEventListener("click", () => {
      const now = after[state(genre)];
      const rest = (/** @type {string} */ name) => [...listed(app.params, name).filter((each) => each !== genre), ...(now === name ? [genre] : [])].join(",");
      keep({ with: rest("with"), without: rest("without") });
      show();
    });
    show();
    return button;
  };
  if (!names.length) return null;
  return element("fieldset", { class: "genres" }, element("legend", {}, "Genres: once for “with”, twice for “without”; films have all that you choose"), element("div", { class: "chips" }, names.map(chip)));
}

/** @param {string} words @param {string} name @param {URLSearchParams} params @param {(changes: Record<string, string | null>) => void} keep */
function number(words, name, params, keep) {
  return element("label", {}, element("span", { class: "quiet" }, words),
    element("input", { type: "number", min: 1870, max: 2100, inputmode: "numeric", placeholder: words.toLowerCase(), value: params.get(name) ?? "",
      oninput: (/** @type {Event} */ event) => {
        const { value } = /** @type {HTMLInputElement} */ (event.target);
        if (value === "" || /^\d{4}$/.test(value)) keep({ [name]: value });
      } }));
}

/** @param {string} low @param {string} high @param {string} name @param {string} words @param {URLSearchParams} params @param {(changes: Record<string, string | null>) => void} keep */
function slider(low, high, name, words, params, keep) {
  return element("div", { class: "slider" },
    element("span", { class: "ends", "aria-hidden": "true" }, element("span", {}, low), element("span", {}, high)),
    element("input", { type: "range", min: 0, max: 1, step: 0.1, value: share(params.get(name)), "aria-label": `${words}, from ${low.toLowerCase()} to ${high.toLowerCase()}`,
      oninput: (/** @type {Event} */ event) => keep({ [name]: zero(/** @type {HTMLInputElement} */ (event.target).value) }) }));
}
