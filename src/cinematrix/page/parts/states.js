/** Placeholders of views: loading, empty, error. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";

/** A grey card, as large as a real one. */
function skeleton() {
  return element("div", { class: "card skeleton" }, element("div", { class: "poster" }),
    element("div", { class: "card-words" }, element("span", { class: "bone" }), element("span", { class: "bone short" })), element("div", { class: "actions" }));
}

/** Grey cards in a row. @param {number} [n] */
export function skeletons(n = 6) {
  return element("div", { class: "strip-of-cards", "aria-hidden": "true" }, Array.from({ length: n }, skeleton));
}

/** Loading state, announced to screen readers. @param {string} text @param {number} [n] */
export function loadingState(text, n) {
  return waiting(text, skeletons(n));
}

/** Loading state of a grid of cards. */
export function gridSkeleton(text = words.forYou.looking, n = 10) {
  return waiting(text, element("div", { class: "grid-of-cards", "aria-hidden": "true" }, Array.from({ length: n }, skeleton)));
}

/** Loading state of a film's page. */
export function filmSkeleton() {
  const bones = [1, 2, 3].map(() => element("span", { class: "bone" }));
  return waiting(words.filmPage.opening, element("div", { class: "film", "aria-hidden": "true" },
    element("div", { class: "film-poster skeleton" }, element("div", { class: "poster" })), element("div", { class: "feature-words" }, bones)));
}

/** Loading state of "For you": a large card and two rows, in their places. */
export function rowSkeletons() {
  const bones = [1, 2, 3].map(() => element("span", { class: "bone" }));
  const row = () => element("div", { class: "row" }, element("div", { class: "row-head" }, element("span", { class: "bone heading" })), skeletons());
  const shown = waiting(words.forYou.looking, element("div", { class: "feature card", "aria-hidden": "true" },
    element("div", { class: "feature-poster skeleton" }, element("div", { class: "poster" })), element("div", { class: "feature-words" }, bones)), row(), row());
  shown.classList.add("rows");
  return shown;
}

/** @param {string} text @param {...HTMLElement} shown */
function waiting(text, ...shown) {
  return element("div", { class: "loading", role: "status" }, element("span", { class: "quiet" }, text), shown);
}

/** Heading of a state: level 1 if the view has none yet, else level 2. @param {string} text */
export function headingElement(text) {
  return element(document.querySelector("main h1") ? "h2" : "h1", {}, text);
}

/**
 * Empty state with actions.
 * @param {string} heading @param {string} text @param {...(Node | null | false)} actions
 */
export function emptyState(heading, text, ...actions) {
  return element("section", { class: "state" }, element("h2", {}, heading), element("p", {}, text), element("div", { class: "buttons" }, actions));
}

/**
 * Error state with a way to continue.
 * @param {unknown} error @param {() => void} again
 */
export function errorState(error, again) {
  const { status = -1, message = "" } = /** @type {{status?: number, message?: string}} */ (error);
  const heading = status === 0 ? words.trouble.noConnection : status === 404 ? words.trouble.notFound : status === 429 ? words.trouble.tooMany : words.trouble.failed;
  return element("section", { class: "state", role: "alert" },
    headingElement(heading),
    element("p", {}, asSentence(message) || words.trouble.onPage),
    element("div", { class: "buttons" }, status === 404 ? element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms, icon("arrow"))
      : element("button", { type: "button", class: "primary", onclick: again }, icon("undo"), words.trouble.again)));
}

/** Capitalize a message and end it with a full stop. @param {string} text */
function asSentence(text) {
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
