/** Posters to tap: once for liked, again for loved, again for neither. A corner button opens the stars. */

import { openSheet, shorten, titleElement } from "./cards.js";
import { element, icon } from "./dom.js";
import { words } from "./language.js";
import { keepOneStop, roving } from "./roving.js";
import { formatNumber, onRefresh, ratingSteps } from "./stars.js";

/** Share of the scale above its lowest rating that "liked" stands for: 4 of 5, 8 of 10. */
const LIKED = 0.8;

/** @typedef {import("./history.js").Movie} Movie */

/** The ratings that taps give, one after the other. @param {import("./stars.js").Scale | null} scale @returns {number[]} */
export function tapRatings(scale) {
  if (!scale) return [1];
  const aim = scale.low + LIKED * (scale.high - scale.low);
  const liked = ratingSteps(scale).reduce((best, step) => (Math.abs(step - aim) < Math.abs(best - aim) ? step : best));
  return liked < scale.high ? [liked, scale.high] : [scale.high];
}

/** The list that posters to tap are in. @param {string} label */
export const tileList = (label) => roving(element("ul", { class: "tiles", "aria-label": label }));

/** Append posters to a list. @param {import("../app.js").App} app @param {HTMLElement} list @param {Movie[]} movies */
export function addTiles(app, list, movies) {
  list.append(...movies.map((movie) => tile(app, movie)));
  keepOneStop(list);
}

/** @param {import("../app.js").App} app @param {Movie} movie */
function tile(app, movie) {
  const name = shorten(movie.title ?? words.film.number(movie.movie), 80) + (movie.year ? `, ${movie.year}` : "");
  const mark = element("span", { class: "tile-mark", "aria-hidden": "true" });
  const tap = element("button", { type: "button", class: "tile-tap", onclick: () => app.history.rate(movie, next()) }, app.poster(movie), mark);
  const exact = element("button", { type: "button", class: "tile-stars", "aria-haspopup": "dialog", onclick: () => openSheet(app, movie, false) });
  const next = () => {
    const ratings = tapRatings(app.model.scale);
    const at = ratings.indexOf(app.history.rating(movie.movie) ?? -1);
    return at < 0 ? ratings[0] : ratings[at + 1] ?? null;
  };
  const show = () => {
    const rating = app.history.rating(movie.movie);
    const text = ratingWords(rating, app.model.scale);
    tap.setAttribute("aria-pressed", String(rating !== null));
    tap.setAttribute("aria-label", text ? words.film.about(name, text) : name);
    mark.replaceChildren(...(text ? [icon(text === words.film.loved ? "heart" : "check")] : []));
    mark.toggleAttribute("data-loved", text === words.film.loved);
    exact.hidden = rating === null || app.history.plain;
    exact.replaceChildren(formatNumber(rating ?? 0), element("span", { class: "one-star" }));
    exact.setAttribute("aria-label", words.film.rateExactly(name));
  };
  show();
  return onRefresh(element("li", { class: "tile", "data-movie": movie.movie }, tap, exact, element("span", { class: app.model.posters ? "tile-title" : "quiet" }, titleElement(movie))), show);
}

/** `Liked`, `Loved`, another rating in stars, or nothing. @param {number | null} rating @param {import("./stars.js").Scale | null} scale */
function ratingWords(rating, scale) {
  if (rating === null) return "";
  const [liked, loved] = tapRatings(scale);
  return { [liked]: words.film.liked, [loved ?? liked]: loved ? words.film.loved : words.film.liked }[rating] ?? words.film.stars(rating);
}
