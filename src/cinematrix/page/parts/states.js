/** Placeholders of views: loading, empty, error. */

import { element, icon } from "./dom.js";

/** Grey placeholder cards. @param {number} [n] */
export function skeletons(n = 6) {
  const one = () => element("div", { class: "card skeleton" }, element("div", { class: "poster" }), element("span", { class: "bone" }), element("span", { class: "bone short" }));
  return element("div", { class: "strip-of-cards", "aria-hidden": "true" }, Array.from({ length: n }, one));
}

/** Loading state, announced to screen readers. @param {string} words @param {number} [n] */
export function loadingState(words, n) {
  return element("div", { class: "loading", role: "status" }, element("span", { class: "quiet" }, words), skeletons(n));
}

/** Heading of a state: level 1 if the view has none yet, else level 2. @param {string} text */
export function headingElement(text) {
  return element(document.querySelector("main h1") ? "h2" : "h1", {}, text);
}

/**
 * Empty state with actions.
 * @param {string} heading @param {string} words @param {...(Node | null | false)} actions
 */
export function emptyState(heading, words, ...actions) {
  return element("section", { class: "state" }, element("h2", {}, heading), element("p", {}, words), element("div", { class: "buttons" }, actions));
}

/**
 * Error state with a way to continue.
 * @param {unknown} error @param {() => void} again
 */
export function errorState(error, again) {
  const { status = -1, message = "" } = /** @type {{status?: number, message?: string}} */ (error);
  const heading = status === 0 ? "No connection to the server" : status === 404 ? "Not found" : status === 429 ? "Too many requests" : "That didn't work";
  return element("section", { class: "state", role: "alert" },
    headingElement(heading),
    element("p", {}, asSentence(message) || "There was an error on the page."),
    element("div", { class: "buttons" }, status === 404 ? element("a", { class: "primary", href: "/" }, "To your films", icon("arrow"))
      : element("button", { type: "button", class: "primary", onclick: again }, icon("undo"), "Try again")));
}

/** Capitalize a message and end it with a full stop. @param {string} text */
function asSentence(text) {
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
