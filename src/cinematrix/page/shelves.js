/** What she said of films besides stars, each with a way back: seen, not for her, on her watchlist, liked elsewhere. */

import { address, facts, shortened, takeBack, title as titled } from "./cards.js";
import { icon } from "./dom.js";

/** Films shown at a time. */
const PAGE = 20;

/** @typedef {{words: string, part: "hidden" | "watchlist" | "likes", kind?: import("./history.js").Kind}} Shelf */
/** @typedef {import("./history.js").Noted} Noted */

/** @type {Shelf[]} */
const SHELVES = [
  { words: "Seen", part: "hidden", kind: "seen" },
  { words: "Not for you", part: "hidden", kind: "not_interested" },
  { words: "On your watchlist", part: "watchlist" },
  { words: "Liked elsewhere", part: "likes" },
];

/** @param {import("./app.js").App} app */
export function shelves(app) {
  const all = SHELVES.map((each) => shelf(app, each));
  const place = app.element("section", { class: "sources" });
  const heading = app.element("h2", {}, "Besides your ratings");
  const draw = () => {
    const full = all.filter((each) => each.draw() > 0).map(({ made }) => made);
    const wanted = full.length ? [heading, ...full] : [];
    if (wanted.length !== place.children.length || wanted.some((each) => each.parentNode !== place)) place.replaceChildren(...wanted);
  };
  app.history.on("change", draw, app.signal);
  draw();
  return place;
}

/** One kind of them, closed until she wants to see it. @param {import("./app.js").App} app @param {Shelf} of */
function shelf(app, { words, part, kind }) {
  const { element } = app;
  const name = element("summary", {});
  const list = element("ul", { class: "unmatched" });
  const more = element("button", { type: "button", class: "ghost", onclick: () => { shown += PAGE; fill(); } }, "Show more");
  const made = /** @type {HTMLDetailsElement} */ (element("details", { class: "why", ontoggle: () => draw() }, name, list, more));
  let shown = PAGE;
  const draw = () => {
    const { length } = standing(app.history, part, kind);
    name.textContent = `${words}: ${length.toLocaleString("en")} ${length === 1 ? "film" : "films"}`;
    if (made.open) fill();
    return length;
  };
  const fill = async () => {
    const all = standing(app.history, part, kind);
    more.hidden = all.length <= shown;
    await Promise.all(all.slice(0, shown).map((film) => named(app, film)));
    const at = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...all.slice(0, shown).map((film) => line(app, film, part)));
    if (at >= 0) list.children[Math.min(at, list.children.length - 1)]?.querySelector("button")?.focus({ preventScroll: true });
  };
  return { made, draw };
}

/** The films of a part that no rating says more of, the newest first. @param {import("./history.js").History} history @param {Shelf["part"]} part @param {Shelf["kind"]} kind @returns {Noted[]} */
function standing(history, part, kind) {
  const found = [...history[part].values()].filter((film) => part === "likes" || !history.ratings.has(film.movie));
  return found.filter((film) => !kind || /** @type {import("./history.js").Hidden} */ (film).kind === kind).sort((one, other) => other.time - one.time);
}

/** See that a film has a title: an upload, or an account, tells the ID alone. @param {import("./app.js").App} app @param {Noted} film */
async function named({ api, signal }, film) {
  if (film.title !== undefined) return;
  const { title, year, genres } = await api.get(`/v1/movies/${encodeURIComponent(film.movie)}`, {}, signal).catch(() => film);
  Object.assign(film, { title, year, genres });
}

/** @param {import("./app.js").App} app @param {Noted} film @param {Shelf["part"]} part */
function line(app, film, part) {
  const { element } = app;
  return element("li", { "data-movie": film.movie },
    element("div", {}, element("a", { href: address(film.movie) }, titled(film)), element("span", { class: "facts" }, facts(film))),
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost small", "aria-label": `Take back: ${shortened(film.title ?? "", 60)}`, onclick: () => takeBack(app, film, part) }, icon("undo"), "Take back")));
}
