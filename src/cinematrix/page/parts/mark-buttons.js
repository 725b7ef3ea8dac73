/** Toggle buttons of a film's marks: watchlist, seen, not for me. A film has at most one of them, and none once it is rated. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";
import { onRefresh } from "./stars.js";
import { shorten, titleText } from "./titles.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {{label: string, sign: Parameters<typeof icon>[0], pressed: () => boolean, set: () => void, part: "hidden" | "watchlist"}} Mark */

/** The marks of a film. @param {App} app @param {Movie} item @returns {Record<"watchlist" | "seen" | "not_interested", Mark>} */
function marksOf(app, item) {
  const { history } = app;
  const hiding = (/** @type {"seen" | "not_interested"} */ kind) =>
    /** @type {const} */ ({ part: "hidden", pressed: () => history.hidden.get(item.movie)?.kind === kind, set: () => app.hide(item, kind) });
  return {
    watchlist: { label: words.marks.watchlist, sign: "bookmark", part: "watchlist", pressed: () => history.wants(item.movie), set: () => app.want(item) },
    seen: { label: words.marks.seen, sign: "eye", ...hiding("seen") },
    not_interested: { label: words.marks.notForMe, sign: "no", ...hiding("not_interested") },
  };
}

/** A button that sets a mark or removes it, and follows the history. @param {App} app @param {Movie} item @param {Mark} mark */
function toggle(app, item, { label, sign, pressed, set, part }) {
  const button = element("button", { type: "button", "aria-label": words.film.about(label, shorten(item.title ?? "", 80)),
    onclick: () => (pressed() ? removeMark(app, item, part) : set()) }, icon(sign));
  const show = () => {
    button.setAttribute("aria-pressed", String(pressed()));
    button.hidden = app.history.rating(item.movie) !== null;
  };
  show();
  return onRefresh(button, show);
}

/** The buttons "Seen" and "Not for me" of a card. @param {App} app @param {Item} item @typedef {import("./cards.js").Item} Item */
export function hideButtons(app, item) {
  const { seen, not_interested: refused } = marksOf(app, item);
  return wordButtons(app, item, [seen, refused], "small");
}

/** The buttons of all marks, for a large card. @param {App} app @param {Item} item */
export function markButtons(app, item) {
  return wordButtons(app, item, Object.values(marksOf(app, item)), "");
}

/** @param {App} app @param {Item} item @param {Mark[]} marks @param {string} size */
function wordButtons(app, item, marks, size) {
  return element("div", { class: "hides" }, marks.map((mark) => {
    const button = toggle(app, item, mark);
    button.className = `ghost mark-button ${size}`;
    button.append(mark.label);
    return button;
  }));
}

/** The round watchlist button on a card's poster. @param {App} app @param {Item} item */
export function watchButton(app, item) {
  const button = toggle(app, item, marksOf(app, item).watchlist);
  button.className = "bookmark";
  button.title = words.marks.watchlist;
  return button;
}

/** Remove a mark of a film, and show a message with "Undo". @param {App} app @param {Movie} movie @param {"watchlist" | "hidden" | "likes"} part */
export function removeMark(app, movie, part) {
  const change = app.history.drop(movie.movie, part);
  app.toast(words.marks.removed[part](titleText(movie, words.film.it)), true);
  return change;
}
