/** The list of films of imports that the catalog lacks. They are kept with the history until a catalog has them. */

import { shorten } from "./cards.js";
import { element, icon } from "./dom.js";
import { words } from "./language.js";
import { formatNumber } from "./stars.js";

/** Films shown at a time. */
const PAGE = 20;

/** Create the list; it follows changes of the history. @param {import("../app.js").App} app */
export function lackingList(app) {
  const { history } = app;
  const list = element("ul", { class: "unmatched" });
  const name = element("summary", {});
  let shown = PAGE;
  const more = element("button", { type: "button", class: "ghost", onclick: () => { shown += PAGE; draw(); } }, words.lacking.more);
  const section = element("section", { class: "sources" }, element("details", { class: "why" }, name,
    element("p", { class: "facts" }, words.lacking.why), list, more));
  const item = (/** @type {import("./history-file.js").UnmatchedFilm} */ film) => element("li", {},
    element("div", {}, element("strong", {}, element("bdi", {}, shorten(film.title || words.lacking.untitled, 120))),
      element("span", { class: "facts" }, [film.year, film.rating === null ? /** @type {Record<string, string>} */ (words.kinds)[film.kind] : `${formatNumber(film.rating)} ★`].filter(Boolean).join(" · "))),
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost small", "aria-label": words.film.about(words.lacking.forget, shorten(film.title, 60)), onclick: () => {
      history.unmatched.drop([film]);
      history.notify();
    } }, icon("close"), words.lacking.forget)));
  const draw = () => {
    const films = [...history.unmatched.values()];
    section.hidden = films.length === 0;
    name.textContent = words.lacking.title(films.length);
    const at = [...list.children].findIndex((each) => each.contains(document.activeElement));
    list.replaceChildren(...films.slice(0, shown).map(item));
    if (at >= 0) list.children[Math.min(at, list.children.length - 1)]?.querySelector("button")?.focus({ preventScroll: true });
    more.hidden = films.length <= shown;
  };
  history.on("change", draw, app.signal);
  draw();
  return section;
}
