/** A film's card: poster, expected rating, reasons, and controls to rate it, hide it or put it on the watchlist. */

import { wantedGenres } from "./dials.js";
import { element, icon } from "./dom.js";
import { format, genreName, words } from "./language.js";
import { hideButtons, markButtons, watchButton } from "./mark-buttons.js";
import { onRefresh, formatNumber } from "./stars.js";
import { shorten, titleParts } from "./titles.js";

export { shorten, titleText } from "./titles.js";

/** @typedef {import("./history.js").Movie} Movie */
/**
 * @typedef {Movie & {stars?: number | null, low?: number | null, high?: number | null,
 *   because?: Reason[]}} Item
 */
/** A film of the user's that explains a recommendation. @typedef {{movie: number | string, title: string, year?: number | null, rating: number | null, shared: {genres: string[], tags: string[], decade: number | null}}} Reason */
/** @typedef {import("./stars.js").Scale} Scale */
/** @typedef {{heading?: string, reason?: string | Node | null, rate?: boolean, hide?: boolean}} Options */

/** Highest rating that is shown with a star. */
const MAX_STARS = 5;

/** Genres of so many films that sharing one says little. */
const BROAD_GENRES = ["Drama", "Comedy"];

/** The address of a film's page. @param {number | string} movie */
export function filmUrl(movie) {
  return `/?${new URLSearchParams({ view: "film", movie: String(movie) })}`;
}

/** A title as an element with its own text direction; other names of the film are muted. @param {Movie} movie */
export function titleElement(movie) {
  const { name, also } = titleParts(shorten(movie.title ?? words.film.number(movie.movie)));
  return element("bdi", {}, name, also && element("span", { class: "also" }, also));
}

/** `Crime, Drama`. @param {Movie} movie @param {string[]} [first] genres to list first */
export function genresLine(movie, first = []) {
  const genres = [...first.filter((genre) => movie.genres?.includes(genre)), ...(movie.genres ?? []).filter((genre) => !first.includes(genre))];
  return genres.slice(0, Math.max(3, first.length)).map(genreName).join(", ");
}

/** `1994 · Crime, Drama`. @param {Movie} movie @param {string[]} [first] genres to list first */
export function factsLine(movie, first = []) {
  return [movie.year, genresLine(movie, first)].filter(Boolean).join(" · ");
}

/**
 * Create a film's card; `options` select its parts. A drawn poster carries the title and the year, which the card doesn't repeat.
 * @param {import("../app.js").App} app
 * @param {Item} item
 * @param {Options} [options]
 */
export function card(app, item, options = {}) {
  const { heading = "h3", rate = true, hide = true } = options;
  return element("article", { class: "card", "data-movie": item.movie },
    element("a", { class: "card-link", href: filmUrl(item.movie) },
      app.poster(item),
      element(heading, { class: app.model.posters ? "card-title" : "quiet" }, titleElement(item))),
    watchButton(app, item),
    element("div", { class: "card-words" },
      element("div", { class: "card-line" },
        expectedStars(item, app.model.scale),
        factsElement(app, item, app.model.posters)),
      reasonElement(app, item, options)),
    (rate || hide) && element("div", { class: "actions" },
      rate && app.stars(item),
      hide && hideButtons(app, item),
      rate && rateButton(app, item, hide)));
}

/** The genres, those of the filters first. @param {import("../app.js").App} app @param {Item} item @param {boolean} dated whether the year comes before them */
export function factsElement(app, item, dated) {
  return element("p", { class: "facts" }, (dated ? factsLine : genresLine)(item, wantedGenres(app.params)) || "\u00a0");
}

/** Show newer facts, expected rating and reason on a card. @param {import("../app.js").App} app @param {Element} shown @param {Item} item @param {Options} [options] */
export function updateCard(app, shown, item, options = {}) {
  const change = (/** @type {string} */ part, /** @type {HTMLElement | null} */ now, /** @type {(now: HTMLElement) => void} */ add) => {
    const before = shown.querySelector(part);
    if (before?.textContent === now?.textContent) return;
    if (before && now) before.replaceWith(now);
    else if (now) add(now);
    else before?.remove();
  };
  change(".facts", factsElement(app, item, app.model.posters || shown.matches(".feature")), () => {});
  change(".expected", expectedStars(item, app.model.scale), (now) => shown.querySelector(".facts")?.before(now));
  change(".because", reasonElement(app, item, options), (now) => (shown.querySelector(".card-words") ?? shown.querySelector(".facts"))?.append(now));
}

/** @param {import("../app.js").App} app @param {Item} item @param {Options} options */
function reasonElement(app, item, { reason }) {
  return reason === undefined ? reasons(item, app.model.scale) : reason ? element("p", { class: "because" }, reason) : null;
}

/** The button that opens the large stars, for cards too narrow for stars that a finger can hit. @param {import("../app.js").App} app @param {Item} item @param {boolean} hide */
export function rateButton(app, item, hide) {
  const button = element("button", { type: "button", class: "ghost rate", "aria-haspopup": "dialog", onclick: () => openSheet(app, item, hide) });
  const show = () => {
    const rating = app.history.rating(item.movie);
    const text = rating === null ? words.film.rate : app.history.plain ? words.film.liked : formatNumber(rating);
    button.replaceChildren(icon("star"), text);
    button.setAttribute("aria-label", words.film.about(text, shorten(item.title ?? "", 80)));
  };
  show();
  return onRefresh(button, show);
}

/** Open the large stars and the marks of a film; a choice closes them. @param {import("../app.js").App} app @param {Item} item @param {boolean} hide */
export function openSheet(app, item, hide) {
  const sheet = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet large", "aria-labelledby": "sheet-title" },
    element("h2", { id: "sheet-title" }, titleElement(item)),
    app.stars(item),
    hide && markButtons(app, item),
    element("button", { type: "button", class: "ghost", onclick: () => sheet.close() }, words.film.close)));
  const stop = app.history.on("change", () => sheet.close(), app.signal);
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => { stop(); sheet.remove(); });
  app.signal.addEventListener("abort", () => sheet.close());
  document.body.append(sheet);
  sheet.showModal();
}

/** The expected rating, as `4.0 ★`; null if the model has no stars. @param {Item} item @param {import("./stars.js").Scale | null} scale */
export function expectedStars({ stars }, scale) {
  if (stars === undefined || stars === null || scale === null) return null;
  return element("p", { class: "expected" },
    element("span", { class: "quiet" }, words.film.expected(stars)),
    element("span", { class: "expected-stars", "aria-hidden": "true" }, oneDecimal(stars), element("span", { class: "one-star" })));
}

/** The 80 % interval of an expected rating on the scale; null without one. @param {Item} item @param {import("./stars.js").Scale} scale */
export function expectedRange({ stars, low = null, high = null }, scale) {
  if (stars === undefined || stars === null || low === null || high === null) return null;
  const place = (/** @type {number} */ value) => `${(100 * (value - scale.low)) / (scale.high - scale.low || 1)}%`;
  const track = element("span", { class: "track", "aria-hidden": "true" });
  for (const [name, value] of Object.entries({ at: stars, from: low, to: high })) track.style.setProperty(`--${name}`, place(value));
  return element("p", { class: "expected-range" }, track, words.film.range(low, high));
}

/** A number with one decimal: `4.0`. @param {number} value */
export const oneDecimal = (value) => format.oneDecimal(value);

/** A difference with its sign: `+0.8`. @param {number} value */
export const formatSigned = (value) => format.signed(value);

/** `Because you gave Double Indemnity 5 ★: film noir, 1940s`; null without a reason. @param {Item} item @param {Scale | null} scale */
export function reasons(item, scale) {
  const [why] = item.because ?? [];
  const { youGave, youWatched } = words.because;
  return why ? element("p", { class: "because" }, element("span", {}, ...reasonParts({ gave: youGave, watched: youWatched }, why, scale, item.title))) : null;
}

/**
 * The parts of a reason, as a form of it says them. A film of the same title as the recommended one gets its year.
 * @param {{gave: typeof words.because.gave, watched: typeof words.because.watched}} form @param {Reason} why @param {Scale | null} scale @param {string} [recommended]
 */
export function reasonParts({ gave, watched }, why, scale, recommended) {
  const { name } = titleParts(why.title);
  const year = why.title === recommended && why.year ? ` (${why.year})` : "";
  const title = element("em", {}, element("bdi", {}, shorten(name, 40)), year);
  const shared = reasonText(why) && element("bdi", {}, reasonText(why));
  return (why.rating === null || !scale ? watched(title, shared) : gave(title, givenText(why.rating, scale), shared)).filter(Boolean);
}

/** A rating in a reason: `5 ★`, or `8 of 10` on a longer scale; not broken at its blanks. @param {number} rating @param {Scale} scale */
const givenText = (rating, { high }) => (high <= MAX_STARS ? `${formatNumber(rating)} ★` : words.film.outOf(rating, high)).replaceAll(" ", "\u00a0");

/** What two films share, as text whose words aren't broken: two narrow genres, a tag, the decade. The server's `Kinship.words` says the same in English. @param {Reason} why */
export function reasonText({ shared: { genres, tags, decade } }) {
  const narrow = genres.filter((genre) => !BROAD_GENRES.includes(genre));
  const named = (narrow.length ? narrow : tags.length ? [] : genres).slice(0, 2);
  const same = named.map((genre) => genre.toLowerCase().replace("film-noir", "film noir"));
  const parts = [...named.map(words.because.genre), ...tags.filter((tag) => !same.includes(tag.toLowerCase())).slice(0, 1), decade && words.because.decade(decade)];
  return shorten(parts.filter(Boolean).join(", "), 80).replaceAll("-", "\u2011");
}
