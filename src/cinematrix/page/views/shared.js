/** A list that somebody shared by a link. */

import { icon } from "../parts/dom.js";
import { words } from "../parts/language.js";
import { fetchPredictions } from "../parts/predictions.js";
import { roving } from "../parts/roving.js";
import { updateCards } from "../parts/rows.js";
import { dayText, shareButton } from "../parts/share.js";
import { emptyState, gridSkeleton } from "../parts/states.js";
import { shorten } from "../parts/titles.js";

export const title = words.views.shared;

/** @typedef {import("../parts/history.js").Movie} Movie */
/** @typedef {import("../parts/cards.js").Item} Item */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element, history } = app;
  main.replaceChildren(gridSkeleton(words.share.opening));
  /** @type {{name: string, note: string, expires: number, films: Movie[]}} */
  const list = await app.api.get(`/v1/shared/${encodeURIComponent(app.params.get("list") ?? "")}`, {}, app.signal);
  const films = list.films.filter(app.allows, app);
  const name = shorten(list.name, 80) || words.share.untitled;
  document.title = `${name} · Cinematrix`;
  const missing = () => films.filter(({ movie }) => !history.wants(movie) && history.rating(movie) === null && !history.hidden.has(movie));
  const add = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "primary", onclick: () => {
    const n = missing().length;
    history.wantAll(missing());
    app.toast(words.share.added(n), true);
  } }, icon("bookmark"), words.share.add));
  const lead = element("p", { class: "lead" });
  const update = () => {
    const n = missing().length;
    add.disabled = n === 0;
    lead.textContent = words.share.lead(films.length, dayText(list.expires), n === 0);
  };
  const cards = roving(element("ul", { class: "grid-of-cards", tabindex: "-1" }));
  const outside = list.films.length - films.length;
  main.replaceChildren(
    element("div", { class: "head-with-button" },
      element("div", { class: "head" }, element("p", { class: "kicker" }, words.share.somebody), element("h1", {}, element("bdi", {}, name)), lead),
      films.length > 0 && element("div", { class: "buttons" }, shareButton(app, () => ({ name: list.name, films })), add)),
    ...(list.note ? [element("blockquote", { class: "shared-note" }, element("bdi", {}, shorten(list.note, 500)))] : []),
    ...(outside ? [element("p", { class: "note" }, words.share.outside(outside))] : []),
    films.length ? cards : emptyState(words.share.noneAllowed, words.share.noneAllowedWhy, element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms)));
  const draw = (/** @type {Item[]} */ items) => updateCards(app, cards, { title, items, near: true, options: () => ({ heading: "h2" }) });
  draw(films);
  history.on("change", update, app.signal);
  update();
  if (app.model.version && films.length) draw(await withStars(app, films));
}

/** The films in the list's order, with the stars that they are expected to get. @param {import("../app.js").App} app @param {Movie[]} films @returns {Promise<Item[]>} */
async function withStars(app, films) {
  const { answer } = await fetchPredictions(app, films).catch(() => ({ answer: /** @type {Item[]} */ ([]) }));
  const stars = new Map(answer.map((film) => [film.movie, film.stars]));
  return films.map((film) => (app.history.rating(film.movie) === null ? { ...film, stars: stars.get(film.movie) } : film));
}
