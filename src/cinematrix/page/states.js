/** What a view shows while it has nothing to show: loading, empty, failed. */

import { element, icon } from "./dom.js";

/** Grey cards that stand where cards will be. @param {number} [n] */
export function skeletons(n = 6) {
  const one = () => element("div", { class: "card skeleton" }, element("div", { class: "poster" }), element("span", { class: "bone" }), element("span", { class: "bone short" }));
  return element("div", { class: "strip-of-cards", "aria-hidden": "true" }, Array.from({ length: n }, one));
}

/** A waiting view, told to screen readers too. @param {string} words @param {number} [n] */
export function loading(words, n) {
  return element("div", { class: "loading", role: "status" }, element("span", { class: "quiet" }, words), skeletons(n));
}

/** A state's heading: the view's own, where it has none yet. @param {string} text */
export function headline(text) {
  return element(document.querySelector("main h1") ? "h2" : "h1", {}, text);
}

/**
 * Nothing is here yet, and what to do about it.
 * @param {string} heading @param {string} words @param {...(Node | null | false)} actions
 */
export function empty(heading, words, ...actions) {
  return element("section", { class: "state" }, element("h2", {}, heading), element("p", {}, words), element("div", { class: "buttons" }, actions));
}

/**
 * It went wrong: what, and a way on.
 * @param {unknown} error @param {() => void} again
 */
export function failed(error, again) {
  const { status = -1, message = "" } = /** @type {{status?: number, message?: string}} */ (error);
  const what = status === 0 ? "No connection to the server" : status === 404 ? "There is no such thing here" : status === 429 ? "A little slower, please" : "That didn't work";
  return element("section", { class: "state", role: "alert" },
    headline(what),
    element("p", {}, sentence(message) || "Something in the page broke."),
    element("div", { class: "buttons" }, status === 404 ? element("a", { class: "primary", href: "/" }, "To your films", icon("arrow"))
      : element("button", { type: "button", class: "primary", onclick: again }, icon("undo"), "Try again")));
}

/** A problem's words as people write them. @param {string} text */
function sentence(text) {
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
