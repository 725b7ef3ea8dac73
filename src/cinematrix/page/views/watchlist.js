/** Watchlist: the films that the user wants to watch, by expected stars, with filters and a random pick. */

import { plural, updateCard } from "../parts/cards.js";
import { FILM_FILTERS, dialQuery, dials, passesFilters } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { feature } from "../parts/feature.js";
import { keepFocus } from "../parts/focus.js";
import { updateChildren } from "../parts/keyed.js";
import { PickOrder } from "../parts/picks.js";
import { fetchPredictions } from "../parts/predictions.js";
import { roving } from "../parts/roving.js";
import { updateCards } from "../parts/rows.js";
import { shareButton } from "../parts/share.js";
import { emptyState, gridSkeleton } from "../parts/states.js";

export const title = "Watchlist";

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
    if (picked) app.announce(`${picked.title ?? "A film"}. Press again for another one.`);
  } }, icon("dice"), "Surprise me");
  const share = shareButton(app, () => ({ name: "Films I want to watch", films: matching() }));
  const filters = dials(app, () => update(), FILM_FILTERS);
  const content = [filters, pick, list];

  const drawPick = () => {
    const focused = pick.contains(document.activeElement);
    picked = matching().find(({ movie }) => movie === picked?.movie) ?? null;
    updateChildren(pick, picked ? [picked] : [], {
      key: ({ movie }) => String(movie), make: (film) => feature(app, film, "Your surprise"), update: (card, film) => updateCard(app, card, film),
    });
    if (focused && !picked) surprise.focus();
  };
  const draw = () => {
    const [wanted, shown] = [own().length, matching()];
    lead.textContent = wanted ? leadText(shown.length, wanted) : "";
    surprise.toggleAttribute("disabled", shown.length === 0);
    for (const button of [surprise, share]) button.hidden = wanted === 0;
    share.toggleAttribute("disabled", shown.length === 0);
    if (!wanted) return body.replaceChildren(nothing(app));
    drawPick();
    keepFocus(list, () => updateCards(app, list, { title, items: shown, near: true, options: () => ({ heading: "h2" }) }));
    const parts = shown.length ? content : [...content.slice(0, -1), emptyState("No film matches", "No film on your watchlist matches all filters. Remove one.")];
    if (parts.some((part, at) => body.children[at] !== part)) body.replaceChildren(...parts);
  };
  const refresh = async () => {
    if (films.length) draw();
    const { answer, stale } = await fetchPredictions(app, history.wanted);
    films = answer;
    draw();
    if (stale) lead.textContent = "The server can’t be reached, so there are no expected stars now. The newest is first.";
  };
  const update = () => refresh().catch((error) => { if (!app.signal.aborted) body.replaceChildren(app.failed(error, update)); });
  history.on("change", update, app.signal);
  main.append(element("div", { class: "head-with-button" }, element("div", { class: "head" }, element("h1", {}, title), lead), element("div", { class: "buttons" }, share, surprise)), body);
  if (!history.wanted.length) return draw();
  lead.textContent = leadText(history.wanted.length, history.wanted.length);
  body.append(filters, gridSkeleton("Reading your watchlist", Math.min(10, history.wanted.length)));
  if (dialQuery(app.params, FILM_FILTERS)) await app.asked;
  await update();
}

/** The number of films and their order, in words. @param {number} shown @param {number} all */
function leadText(shown, all) {
  const films = shown === all ? plural(all, "film") : `${shown.toLocaleString("en")} of ${plural(all, "film")}`;
  return all === 1 ? films : `${films}, best for you first`;
}

/** The view without films. @param {import("../app.js").App} app */
function nothing({ element }) {
  return emptyState("Nothing on it yet", "Tap the bookmark on a film to keep it for later. A watchlist from Letterboxd, IMDb or Trakt can be imported.",
    element("a", { class: "primary", href: "/" }, "See films"), element("a", { class: "ghost", href: "/?view=bring" }, icon("up"), "Import a watchlist"));
}
