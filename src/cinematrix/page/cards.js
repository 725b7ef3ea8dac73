/** A film as a card: its poster, what the model expects, why, and what she may say to it. */

import { wanted } from "./dials.js";
import { element, icon } from "./dom.js";
import { written } from "./stars.js";

/** @typedef {import("./history.js").Movie} Movie */
/**
 * @typedef {Movie & {stars?: number, low?: number | null, high?: number | null,
 *   because?: {movie: number | string, title: string, year?: number | null, share: number}[]}} Item
 */
/** @typedef {{heading?: string, reason?: string | Node | null, rate?: boolean, hide?: boolean}} Options */

/** The share from which on a film is worth naming as a reason. */
const LEAST = 0.01;

/** The address of a film's page. @param {number | string} movie */
export function address(movie) {
  return `/?${new URLSearchParams({ view: "film", movie: String(movie) })}`;
}

/** A title as its own piece of text, whichever way it is written. @param {Movie} movie */
export function title(movie) {
  return element("bdi", {}, shortened(movie.title ?? `film ${movie.movie}`));
}

/** Signs that would turn the text after them around, or can't be seen. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** A text that can't fill the page, nor turn it around. @param {string} text */
export function shortened(text, most = 160) {
  const seen = text.slice(0, 2 * most).replace(UNSEEN, "");
  return text.length > most ? `${seen.slice(0, most)}…` : seen;
}

/** A title within a sentence that is text alone, whichever way it is written. @param {Movie} movie @param {string} otherwise where it has none */
export function named(movie, otherwise) {
  return movie.title ? `\u2068${shortened(movie.title, 60)}\u2069` : otherwise;
}

/** `1 film`, `2,000 films`. @param {number} n @param {string} one */
export function counted(n, one) {
  return `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;
}

/** `1994 · Crime, Drama`. @param {Movie} movie @param {string[]} [first] genres that are named before others */
export function facts(movie, first = []) {
  const genres = [...first.filter((genre) => movie.genres?.includes(genre)), ...(movie.genres ?? []).filter((genre) => !first.includes(genre))];
  return [movie.year, genres.slice(0, Math.max(3, first.length)).join(", ")].filter(Boolean).join(" · ");
}

/**
 * The card; a view may say in `options` which parts it has.
 * @param {import("./app.js").App} app
 * @param {Item} item
 * @param {Options} [options]
 */
export function card(app, item, { heading = "h3", reason, rate = true, hide = true } = {}) {
  const why = reason === undefined ? because(item) : reason;
  return element("article", { class: "card", "data-movie": item.movie },
    element("a", { class: "card-link", href: address(item.movie) },
      app.poster(item),
      element(heading, { class: "card-title" }, title(item))),
    element("p", { class: "facts" }, facts(item, wanted(app.params)) || "\u00a0"),
    expected(item, app.model.scale),
    why && element("p", { class: "because" }, why),
    (rate || hide) && element("div", { class: "actions" },
      rate && app.stars(item),
      hide && hides(app, item, "small")));
}

/**
 * "Seen" and "not for me": what she said is pressed, and a press takes it back. A film that she rated needs neither.
 * @param {import("./app.js").App} app @param {Item} item @param {string} [size]
 */
export function hides(app, item, size = "") {
  if (app.history.rating(item.movie) !== null) return null;
  const said = app.history.hidden.get(item.movie)?.kind;
  const button = (/** @type {"seen" | "not_interested"} */ kind, /** @type {"eye" | "no"} */ sign, /** @type {string} */ words) =>
    element("button", { type: "button", class: `${said === kind ? "primary" : "ghost"} ${size}`, "aria-label": `${words}: ${shortened(item.title ?? "", 80)}`, "aria-pressed": String(said === kind),
      onclick: () => (said === kind ? takeBack(app, item, "hidden") : app.hide(item, kind)) }, icon(sign), words);
  return element("div", { class: "hides" }, button("seen", "eye", "Seen"), button("not_interested", "no", "Not for me"));
}

/** Take back what she said of a film besides stars, say so, and offer to undo it. @param {import("./app.js").App} app @param {Movie} movie @param {"hidden" | "watchlist" | "likes"} part */
export function takeBack(app, movie, part) {
  const kept = app.history.drop(movie.movie, part);
  app.toast(`${named(movie, "The film")}: taken back.`, true);
  return kept;
}

/**
 * The stars that the model expects, and where 80 % of ratings lie.
 * @param {Item} item @param {import("./stars.js").Scale | null} scale
 */
export function expected(item, scale) {
  if (item.stars === undefined || item.stars === null || scale === null) return null;
  const { stars, low = null, high = null } = item;
  const place = (/** @type {number} */ value) => `${(100 * (value - scale.low)) / (scale.high - scale.low || 1)}%`;
  const sure = low !== null && high !== null;
  const words = sure ? `Expected ${written(stars)} stars, between ${written(low)} and ${written(high)}` : `Expected ${written(stars)} stars`;
  const track = element("span", { class: "track" });
  track.style.setProperty("--at", place(stars));
  track.style.setProperty("--from", place(low ?? stars));
  track.style.setProperty("--to", place(high ?? stars));
  return element("p", { class: "expected", title: sure ? `${words}: 80 % of ratings lie there` : words },
    element("span", { class: "quiet" }, words),
    element("span", { class: "expected-stars", "aria-hidden": "true" }, written(Math.round(stars * 10) / 10), element("span", { class: "one-star" })),
    sure && element("span", { class: "expected-range", "aria-hidden": "true" }, track, `${written(low)}–${written(high)}`));
}

/** Her own films that speak for it, with their shares; one of its own name with the year. @param {Item} item */
export function because(item) {
  const told = item.because?.filter((why) => why.share >= LEAST).slice(0, 2) ?? [];
  if (!told.length) return null;
  const parts = told.flatMap((why, at) => [
    at ? ", " : "because of ", element("em", {}, element("bdi", {}, shortened(why.title, 60)), why.title === item.title && why.year && ` (${why.year})`), ` ${Math.round(100 * why.share)} %`,
  ]);
  return element("span", {}, ...parts);
}
