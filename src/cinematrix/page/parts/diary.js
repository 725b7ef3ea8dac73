/** Diary: the films by day, a section a month, the newest first. */

import { filmUrl, titleElement } from "./cards.js";
import { element } from "./dom.js";
import { updateChildren } from "./keyed.js";
import { format, words } from "./language.js";
import { whenNear } from "./near.js";
import { months } from "./own-films.js";
import { formatNumber } from "./stars.js";

/** @typedef {import("./own-films.js").OwnFilm} OwnFilm */

/** Show the months in a list; a month far away has its place until it comes near. @param {HTMLElement} list @param {OwnFilm[]} films @param {boolean} plain */
export function updateDiary(list, films, plain) {
  updateChildren(list, months(films), {
    key: ([month, own]) => `${month} ${own.map(({ movie, day, rating }) => `${movie} ${day} ${rating}`).join()}`,
    make: ([month, own]) => {
      const place = element("section", { class: "month", "aria-label": monthName(month) });
      place.style.setProperty("--films", String(own.length));
      return whenNear(place, () => place.replaceChildren(...monthParts(month, own, plain)));
    },
  });
}

/** `March 2024`. @param {string} month */
const monthName = (month) => format.calendarMonth(new Date(`${month}-01`));

/** @param {string} month @param {OwnFilm[]} films @param {boolean} plain */
function monthParts(month, films, plain) {
  return [
    element("div", { class: "month-head" }, element("h2", {}, monthName(month)), element("p", { class: "facts" }, words.film.count(films.length)), calendar(month, films)),
    element("ol", { class: "days" }, films.map((film, at) => element("li", { class: film.day === films[at - 1]?.day ? "" : "new-day" },
      element("time", { datetime: film.day }, dayName(String(film.day))),
      element("a", { href: filmUrl(film.movie) }, titleElement(film)),
      element("span", { class: "facts" }, film.year ?? ""),
      stars(film, plain)))),
  ];
}

/** `Fri 5`. @param {string} day */
function dayName(day) {
  const date = new Date(day);
  return `${format.weekday(date)} ${date.getUTCDate()}`;
}

/** The user's rating, or what they marked instead. @param {OwnFilm} film @param {boolean} plain */
function stars({ rating, kinds }, plain) {
  if (rating === null || plain) return element("span", { class: "facts" }, { rated: words.yourFilms.rated, seen: words.yourFilms.seenShort, liked: words.yourFilms.liked, refused: words.yourFilms.refused }[kinds[0]]);
  return element("span", {}, element("span", { class: "quiet" }, words.film.stars(rating)), element("span", { class: "expected-stars", "aria-hidden": "true" }, formatNumber(rating), element("span", { class: "one-star" })));
}

/** The month as a small calendar, with its days of films; a picture of the list beside it. @param {string} month @param {OwnFilm[]} films */
function calendar(month, films) {
  const first = new Date(`${month}-01`);
  const days = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const watched = new Map();
  for (const { day } of films) watched.set(Number(String(day).slice(8)), (watched.get(Number(String(day).slice(8))) ?? 0) + 1);
  const cells = Array.from({ length: days }, (_, at) => element("span", { class: watched.has(at + 1) ? "watched" : "", "data-count": Math.min(3, watched.get(at + 1) ?? 0) }, at + 1));
  cells[0].style.gridColumnStart = String(((first.getUTCDay() + 6) % 7) + 1);
  return element("div", { class: "calendar", "aria-hidden": "true" }, cells);
}
