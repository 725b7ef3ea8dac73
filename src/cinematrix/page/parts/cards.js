/** A film's card: poster, expected rating, reasons, and controls to rate or hide it. */

import { wantedGenres } from "./dials.js";
import { element, icon } from "./dom.js";
import { formatNumber } from "./stars.js";

/** @typedef {import("./history.js").Movie} Movie */
/**
 * @typedef {Movie & {stars?: number, low?: number | null, high?: number | null,
 *   because?: Reason[]}} Item
 */
/** A film of the user's that explains a recommendation. @typedef {{movie: number | string, title: string, year?: number | null, given: string, why: string}} Reason */
/** @typedef {{heading?: string, reason?: string | Node | null, rate?: boolean, hide?: boolean}} Options */

/** The address of a film's page. @param {number | string} movie */
export function filmUrl(movie) {
  return `/?${new URLSearchParams({ view: "film", movie: String(movie) })}`;
}

/** A title as an element with its own text direction. @param {Movie} movie */
export function titleElement(movie) {
  return element("bdi", {}, shorten(movie.title ?? `film ${movie.movie}`));
}

/** Control characters, and characters that change the text direction. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Shorten a text and remove invisible characters. @param {string} text */
export function shorten(text, most = 160) {
  const visible = text.slice(0, 2 * most).replace(INVISIBLE, "");
  return text.length > most ? `${visible.slice(0, most)}…` : visible;
}

/** A title inside a plain-text sentence, with its own text direction. @param {Movie} movie @param {string} otherwise used if it has no title */
export function titleText(movie, otherwise) {
  return movie.title ? `\u2068${shorten(movie.title, 60)}\u2069` : otherwise;
}

/** `1 film`, `2,000 films`. @param {number} n @param {string} one */
export function plural(n, one) {
  return `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;
}

/** `1994 · Crime, Drama`. @param {Movie} movie @param {string[]} [first] genres to list first */
export function factsLine(movie, first = []) {
  const genres = [...first.filter((genre) => movie.genres?.includes(genre)), ...(movie.genres ?? []).filter((genre) => !first.includes(genre))];
  return [movie.year, genres.slice(0, Math.max(3, first.length)).join(", ")].filter(Boolean).join(" · ");
}

/**
 * Create a film's card; `options` select its parts.
 * @param {import("../app.js").App} app
 * @param {Item} item
 * @param {Options} [options]
 */
export function card(app, item, { heading = "h3", reason, rate = true, hide = true } = {}) {
  const why = reason === undefined ? reasons(item) : reason;
  return element("article", { class: "card", "data-movie": item.movie },
    element("a", { class: "card-link", href: filmUrl(item.movie) },
      app.poster(item),
      element(heading, { class: "card-title" }, titleElement(item))),
    element("p", { class: "facts" }, factsLine(item, wantedGenres(app.params)) || "\u00a0"),
    expectedStars(item, app.model.scale),
    why && element("p", { class: "because" }, why),
    (rate || hide) && element("div", { class: "actions" },
      rate && app.stars(item),
      hide && hideButtons(app, item, "small")));
}

/**
 * Toggle buttons "Seen" and "Not for me"; null if the user has rated the film.
 * @param {import("../app.js").App} app @param {Item} item @param {string} [size]
 */
export function hideButtons(app, item, size = "") {
  if (app.history.rating(item.movie) !== null) return null;
  const current = app.history.hidden.get(item.movie)?.kind;
  const button = (/** @type {"seen" | "not_interested"} */ kind, /** @type {"eye" | "no"} */ sign, /** @type {string} */ words) =>
    element("button", { type: "button", class: `${current === kind ? "primary" : "ghost"} ${size}`, "aria-label": `${words}: ${shorten(item.title ?? "", 80)}`, "aria-pressed": String(current === kind),
      onclick: () => (current === kind ? removeMark(app, item, "hidden") : app.hide(item, kind)) }, icon(sign), words);
  return element("div", { class: "hides" }, button("seen", "eye", "Seen"), button("not_interested", "no", "Not for me"));
}

/** Remove a mark of a film, and show a message with "Undo". @param {import("../app.js").App} app @param {Movie} movie @param {"hidden" | "watchlist" | "likes"} part */
export function removeMark(app, movie, part) {
  const change = app.history.drop(movie.movie, part);
  app.toast(`${titleText(movie, "The film")}: mark removed.`, true);
  return change;
}

/**
 * The expected rating with its 80 % interval; null if the model has no stars.
 * @param {Item} item @param {import("./stars.js").Scale | null} scale
 */
export function expectedStars(item, scale) {
  if (item.stars === undefined || item.stars === null || scale === null) return null;
  const { stars, low = null, high = null } = item;
  const place = (/** @type {number} */ value) => `${(100 * (value - scale.low)) / (scale.high - scale.low || 1)}%`;
  const sure = low !== null && high !== null;
  const words = sure ? `Expected ${formatNumber(stars)} stars, between ${formatNumber(low)} and ${formatNumber(high)}` : `Expected ${formatNumber(stars)} stars`;
  const track = element("span", { class: "track" });
  track.style.setProperty("--at", place(stars));
  track.style.setProperty("--from", place(low ?? stars));
  track.style.setProperty("--to", place(high ?? stars));
  return element("p", { class: "expected", title: sure ? `${words}: 80 % of ratings are in this range` : words },
    element("span", { class: "quiet" }, words),
    element("span", { class: "expected-stars", "aria-hidden": "true" }, formatNumber(Math.round(stars * 10) / 10), element("span", { class: "one-star" })),
    sure && element("span", { class: "expected-range", "aria-hidden": "true" }, track, `${formatNumber(low)}–${formatNumber(high)}`));
}

/** `Because you gave Double Indemnity 5 ★: film noir, 1940s`; null without a reason. @param {Item} item */
export function reasons(item) {
  const [why] = item.because ?? [];
  return why ? element("span", {}, ...reasonParts("Because you", why, item.title)) : null;
}

/**
 * The parts of a reason, after a beginning such as `Because you`. A film of the same title as the recommended one gets its year.
 * @param {string} beginning @param {Reason} why @param {string} [recommended]
 */
export function reasonParts(beginning, why, recommended) {
  const name = why.title.replace(/(?<=\S) \(.*$/, "");
  const year = why.title === recommended && why.year ? ` (${why.year})` : "";
  return [`${beginning} ${why.given ? "gave" : "watched"} `.trimStart(), element("em", {}, element("bdi", {}, shorten(name, 40)), year),
    why.given && ` ${why.given.replaceAll(" ", "\u00a0")}`, why.why && ": ", why.why && element("bdi", {}, shorten(why.why, 80))].filter(Boolean);
}
