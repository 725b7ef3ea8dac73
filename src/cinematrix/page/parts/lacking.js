/** The list of films of imports that the catalog lacks. They are kept with the history until a catalog has them. */

import { plural, shorten } from "./cards.js";
import { element, icon } from "./dom.js";

/** Films shown at a time. */
const PAGE = 20;

/** Texts of the kinds. @type {Record<string, string>} */
const KINDS = { rating: "rated", seen: "seen", watchlist: "on your watchlist", like: "liked", not_interested: "not for you", deleted: "a deleted rating" };

/** Create the list; it follows changes of the history. @param {import("../app.js").App} app */
export function lackingList(app) {
  const { history } = app;
  const list = element("ul", { class: "unmatched" });
  const name = element("summary", {});
  let shown = PAGE;
  const more = element("button", { type: "button", class: "ghost", onclick: () => { shown += PAGE; draw(); } }, "Show more");
  const section = element("section", { class: "sources" }, element("details", { class: "why" }, name,
    element("p", { class: "facts" }, "They came with your imports and are kept with your history. As soon as the catalog has one of them, it is added."), list, more));
  const item = (/** @type {import("./history-file.js").UnmatchedFilm} */ film) => element("li", {},
    element("div", {}, element("strong", {}, element("bdi", {}, shorten(film.title || "A film without a title", 120))),
      element("span", { class: "facts" }, [film.year, film.rating === null ? KINDS[film.kind] : `${film.rating} ★`].filter(Boolean).join(" · "))),
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost small", "aria-label": `Forget: ${shorten(film.title, 60)}`, onclick: () => {
      history.unmatched.drop([film]);
      history.notify();
    } }, icon("close"), "Forget")));
  const draw = () => {
    const films = [...history.unmatched.values()];
    section.hidden = films.length === 0;
    name.textContent = `Not in the catalog yet: ${plural(films.length, "film")}`;
    const at = [...list.children].findIndex((each) => each.contains(document.activeElement));
    list.replaceChildren(...films.slice(0, shown).map(item));
    if (at >= 0) list.children[Math.min(at, list.children.length - 1)]?.querySelector("button")?.focus({ preventScroll: true });
    more.hidden = films.length <= shown;
  };
  history.on("change", draw, app.signal);
  draw();
  return section;
}
