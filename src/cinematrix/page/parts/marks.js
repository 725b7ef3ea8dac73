/** Lists of the user's marks, which can be removed: seen, not for me, watchlist, liked elsewhere. */

import { filmUrl, factsLine, shorten, removeMark, titleElement } from "./cards.js";
import { icon } from "./dom.js";

/** Films shown at a time. */
const PAGE = 20;

/** @typedef {{words: string, part: "hidden" | "watchlist" | "likes", kind?: import("./history.js").Kind}} MarkList */
/** @typedef {import("./history.js").MarkedMovie} MarkedMovie */

/** @type {MarkList[]} */
const MARK_LISTS = [
  { words: "Seen", part: "hidden", kind: "seen" },
  { words: "Not for you", part: "hidden", kind: "not_interested" },
  { words: "On your watchlist", part: "watchlist" },
  { words: "Liked elsewhere", part: "likes" },
];

/** Create the lists; they follow changes of the history. @param {import("../app.js").App} app */
export function markLists(app) {
  const all = MARK_LISTS.map((each) => markList(app, each));
  const section = app.element("section", { class: "sources" });
  const heading = app.element("h2", {}, "Besides your ratings");
  const draw = () => {
    const nonEmpty = all.filter((each) => each.draw() > 0).map(({ details }) => details);
    const wanted = nonEmpty.length ? [heading, ...nonEmpty] : [];
    if (wanted.length !== section.children.length || wanted.some((each) => each.parentNode !== section)) section.replaceChildren(...wanted);
  };
  app.history.on("change", draw, app.signal);
  draw();
  return section;
}

/** Create the list of one mark; its films are loaded when it is opened. @param {import("../app.js").App} app @param {MarkList} of */
function markList(app, { words, part, kind }) {
  const { element } = app;
  const name = element("summary", {});
  const list = element("ul", { class: "unmatched" });
  const moreButton = element("button", { type: "button", class: "ghost", onclick: () => { shown += PAGE; fill(); } }, "Show more");
  const details = /** @type {HTMLDetailsElement} */ (element("details", { class: "why", ontoggle: () => draw() }, name, list, moreButton));
  let shown = PAGE;
  const draw = () => {
    const { length } = markedFilms(app.history, part, kind);
    name.textContent = `${words}: ${length.toLocaleString("en")} ${length === 1 ? "film" : "films"}`;
    if (details.open) fill();
    return length;
  };
  const fill = async () => {
    const all = markedFilms(app.history, part, kind);
    moreButton.hidden = all.length <= shown;
    await Promise.all(all.slice(0, shown).map((film) => loadTitle(app, film)));
    const at = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...all.slice(0, shown).map((film) => filmItem(app, film, part)));
    if (at >= 0) list.children[Math.min(at, list.children.length - 1)]?.querySelector("button")?.focus({ preventScroll: true });
  };
  return { details, draw };
}

/** Films with a mark, the newest first; without rated films, except likes. @param {import("./history.js").History} history @param {MarkList["part"]} part @param {MarkList["kind"]} kind @returns {MarkedMovie[]} */
function markedFilms(history, part, kind) {
  const films = [...history[part].values()].filter((film) => part === "likes" || !history.ratings.has(film.movie));
  return films.filter((film) => !kind || /** @type {import("./history.js").HiddenMovie} */ (film).kind === kind).sort((one, other) => other.time - one.time);
}

/** Load the title of a film, which is missing if it came from an upload or an account. @param {import("../app.js").App} app @param {MarkedMovie} film */
async function loadTitle({ api, signal }, film) {
  if (film.title !== undefined) return;
  const { title, year, genres } = await api.get(`/v1/movies/${encodeURIComponent(film.movie)}`, {}, signal).catch(() => film);
  Object.assign(film, { title, year, genres });
}

/** @param {import("../app.js").App} app @param {MarkedMovie} film @param {MarkList["part"]} part */
function filmItem(app, film, part) {
  const { element } = app;
  return element("li", { "data-movie": film.movie },
    element("div", {}, element("a", { href: filmUrl(film.movie) }, titleElement(film)), element("span", { class: "facts" }, factsLine(film))),
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost small", "aria-label": `Remove: ${shorten(film.title ?? "", 60)}`, onclick: () => removeMark(app, film, part) }, icon("undo"), "Remove")));
}
