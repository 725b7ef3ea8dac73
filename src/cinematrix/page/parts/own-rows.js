/** Rows of the user's own films: stars and marks to change in place. A row is built when it comes near. */

import { factsLine, filmUrl, formatSigned, rateButton, shorten, titleElement } from "./cards.js";
import { element, icon } from "./dom.js";
import { keepFocus } from "./focus.js";
import { updateChildren } from "./keyed.js";
import { format, words } from "./language.js";
import { hideButtons, removeMark } from "./mark-buttons.js";
import { whenNear } from "./near.js";
import { apart } from "./own-films.js";
import { addRow, keepCurrent } from "./row-stops.js";

/** @typedef {import("./own-films.js").OwnFilm} OwnFilm */
/** @typedef {import("../app.js").App} App */

/** The newest film of each row. @type {WeakMap<Element, OwnFilm>} */
const SHOWN = new WeakMap();

/** Show films in a list. @param {App} app @param {HTMLElement} list @param {OwnFilm[]} films */
export function updateOwnRows(app, list, films) {
  keepFocus(list, () => updateChildren(list, films, {
    key: ({ movie }) => String(movie),
    make: (film) => {
      const row = element("li", { class: "own", "data-movie": film.movie });
      SHOWN.set(row, film);
      return whenNear(row, () => {
        row.replaceChildren(...rowParts(app, SHOWN.get(row) ?? film));
        addRow(list, row);
      });
    },
    update: (row, film) => {
      SHOWN.set(row, film);
      row.querySelector(".own-facts")?.replaceWith(facts(film));
      row.querySelector(".liked")?.toggleAttribute("hidden", !isLiked(app, film));
      row.querySelector(".delete")?.toggleAttribute("hidden", film.rating === null);
    },
  }));
  keepCurrent(list);
}

/** The controls of one film. @param {App} app @param {OwnFilm} film */
function rowParts(app, film) {
  return [
    element("a", { class: "own-poster", href: filmUrl(film.movie), tabindex: "-1", "aria-hidden": "true" }, app.poster(film)),
    element("div", { class: "own-words" },
      element("a", { class: "own-title", href: filmUrl(film.movie) }, titleElement(film)),
      element("span", { class: "facts" }, factsLine(film))),
    facts(film),
    app.stars(film),
    element("div", { class: "own-marks" }, likedButton(app, film), hideButtons(app, film), deleteButton(app, film)),
    rateButton(app, film, true),
  ];
}

/** The difference from everyone, and the day. @param {OwnFilm} film */
function facts(film) {
  const difference = apart(film);
  return element("div", { class: "own-facts facts" },
    film.mean !== null && element("span", {}, words.yourFilms.everyone(film.mean), difference !== null && element("strong", { class: difference > 0 ? "apart more" : "apart" }, ` ${formatSigned(difference)}`)),
    element("span", { class: "own-day" }, film.day && format.calendarDay(new Date(film.day))));
}

/** Whether the film is among those liked elsewhere. @param {App} app @param {OwnFilm} film */
const isLiked = ({ history }, { movie }) => history.likes.has(movie);

/** The button that removes a like. @param {App} app @param {OwnFilm} film */
function likedButton(app, film) {
  return element("button", { type: "button", class: "ghost small mark-button liked", "aria-pressed": "true", "aria-label": words.film.about(words.yourFilms.liked, shorten(film.title ?? "", 80)), hidden: !isLiked(app, film), onclick: () => removeMark(app, film, "likes") }, icon("heart"), words.yourFilms.liked);
}

/** The button that deletes a rating. @param {App} app @param {OwnFilm} film */
function deleteButton(app, film) {
  return element("button", { type: "button", class: "ghost round delete", "aria-label": words.yourFilms.deleteRatingOf(shorten(film.title ?? "", 80)), title: words.yourFilms.deleteRating, hidden: film.rating === null, onclick: () => app.rate(film, null) }, icon("close"));
}
