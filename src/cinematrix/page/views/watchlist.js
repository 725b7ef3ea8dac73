/** Watchlist: the films that the user wants to watch, by expected stars, with filters and a random pick. */

import { updateCard } from "../parts/cards.js";
import { FILM_FILTERS, dialQuery, dials, passesFilters } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { feature } from "../parts/feature.js";
import { keepFocus } from "../parts/focus.js";
import { updateChildren } from "../parts/keyed.js";
import { words } from "../parts/language.js";
import { PickOrder } from "../parts/picks.js";
import { fetchPredictions } from "../parts/predictions.js";
import { roving } from "../parts/roving.js";
import { updateCards } from "../parts/rows.js";
import { shareButton } from "../parts/share.js";
import { emptyState, gridSkeleton } from "../parts/states.js";

export const title = words.views.watchlist;

/** @typedef {import("../parts/cards.js").Item & {leftOut?: boolean}} Item */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element, history } = app;
  const lead = element("p", { class: "lead" }, "\u00a0");
  const body = element("div", { class: "watchlist" });
  const list = roving(element("ul", { class: "grid-of-cards", tabindex: "-1" }));
  const pick = element("div", { class: "pick" });
  const order = new PickOrder();
  /** @type {Item[]} */
  let films = [];
  /** @type {Item | null} */
  let picked = null;

  const own = () => films.filter((film) => history.wants(film.movie) && app.allows(film));
  const matching = () => own().filter((film) => passesFilters(app.params, film));
  const surprise = element("button", { type: "button", class: "primary", disabled: true, onclick: () => {
    picked = order.next(matching());
    drawPick();
    if (picked) app.announce(words.watchlist.another(picked.title ?? words.film.a));
  } }, icon("dice"), words.watchlist.surprise);
  const share = shareButton(app, () => ({ name: words.watchlist.shareName, films: matching() }));
  const filters = dials(app, () => update(), FILM_FILTERS);
  const content = [filters, pick, list];

  const drawPick = () => {
    const focused = pick.contains(document.activeElement);
    picked = matching().find(({ movie }) => movie === picked?.movie) ?? null;
    updateChildren(pick, picked ? [picked] : [], {
      key: ({ movie }) => String(movie), make: (film) => feature(app, film, words.watchlist.yourSurprise), update: (card, film) => updateCard(app, card, film),
    });
    if (focused && !picked) surprise.focus();
  };
  const draw = () => {
    const [wanted, shown] = [own().length, matching()];
    lead.textContent = wanted ? words.watchlist.lead(shown.length, wanted) : "";
    surprise.toggleAttribute("disabled", shown.length === 0);
    for (const button of [surprise, share]) button.hidden = wanted === 0;
    share.toggleAttribute("disabled", shown.length === 0);
    if (!wanted) return body.replaceChildren(nothing(app));
    drawPick();
    keepFocus(list, () => updateCards(app, list, { title, items: shown, near: true, options: () => ({ heading: "h2" }) }));
    const parts = shown.length ? content : [...content.slice(0, -1), emptyState(words.watchlist.noMatch, words.watchlist.noMatchWhy)];
    if (parts.some((part, at) => body.children[at] !== part)) body.replaceChildren(...parts);
  };
  const refresh = async () => {
    if (films.length) draw();
    const { answer, stale } = await fetchPredictions(app, history.wanted);
    films = answer;
    draw();
    if (stale) lead.textContent = words.watchlist.withoutServer;
  };
  const update = () => refresh().catch((error) => { if (!app.signal.aborted) body.replaceChildren(app.failed(error, update)); });
  history.on("change", update, app.signal);
  main.append(element("div", { class: "head-with-button" }, element("div", { class: "head" }, element("h1", {}, title), lead), element("div", { class: "buttons" }, share, surprise)), body);
  if (!history.wanted.length) return draw();
  lead.textContent = words.watchlist.lead(history.wanted.length, history.wanted.length);
  body.append(filters, gridSkeleton(words.watchlist.reading, Math.min(10, history.wanted.length)));
  if (dialQuery(app.params, FILM_FILTERS)) await app.asked;
  await update();
}

/** The view without films. @param {import("../app.js").App} app */
function nothing({ element }) {
  return emptyState(words.watchlist.empty, words.watchlist.emptyWhy,
    element("a", { class: "primary", href: "/" }, words.watchlist.seeFilms), element("a", { class: "ghost", href: "/?view=bring" }, icon("up"), words.watchlist.import));
}
