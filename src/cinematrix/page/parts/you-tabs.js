/** Links between the views about the user. */

import { words } from "./language.js";

/** @param {import("../app.js").App} app @param {"profile" | "films"} current */
export function youTabs({ element }, current) {
  const link = (/** @type {string} */ view, /** @type {string} */ label) => element("a", { class: "tab", href: `/?view=${view}`, "aria-current": view === current && "page" }, label);
  return element("div", { class: "tabs", role: "group", "aria-label": words.yourFilms.aboutYou }, link("profile", words.yourFilms.tasteAndData), link("films", words.views.yourFilms));
}
