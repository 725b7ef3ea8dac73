/** Links between the views about the user. */

/** @param {import("../app.js").App} app @param {"profile" | "films"} current */
export function youTabs({ element }, current) {
  const link = (/** @type {string} */ view, /** @type {string} */ words) => element("a", { class: "tab", href: `/?view=${view}`, "aria-current": view === current && "page" }, words);
  return element("div", { class: "tabs", role: "group", "aria-label": "About you" }, link("profile", "Taste and data"), link("films", "Your films"));
}
