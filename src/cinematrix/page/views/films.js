/** Your films: all that the user rated, saw, liked or refused, as a list to search, sort and change, and as a diary. */

import { updateDiary } from "../parts/diary.js";
import { icon } from "../parts/dom.js";
import { format, words } from "../parts/language.js";
import { SORTS, isDated, ownFilms, select, sort } from "../parts/own-films.js";
import { updateOwnRows } from "../parts/own-rows.js";
import { ROWS_HINT, rowStops } from "../parts/row-stops.js";
import { emptyState } from "../parts/states.js";
import { youTabs } from "../parts/you-tabs.js";

export const title = words.views.yourFilms;

/** Maximum films described in a request. */
const MAX_FILMS = 5000;

/** Kinds of films, "" for all. @type {(import("../parts/own-films.js").OwnKind | "")[]} */
const KINDS = ["", "rated", "seen", "liked", "refused"];

/** @typedef {import("../parts/own-films.js").OwnFilm} OwnFilm */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element, history, params } = app;
  /** Averages of everyone's ratings, by film. @type {Map<number | string, number | null>} */
  const means = new Map();
  const list = rowStops(element("ul", { class: "own-films", "aria-describedby": "own-keys" }));
  const diary = element("div", { class: "diary" });
  const status = element("p", { class: "facts own-count", role: "status" }, "\u00a0");
  const hint = element("p", { id: "own-keys", hidden: true }, ROWS_HINT);
  const body = element("div", {}, skeleton(app));
  /** The films in the order of the last search or sorting, which changes in place don't change. @type {(number | string)[]} */
  let order = [];

  const draw = (/** @type {boolean} */ again) => {
    const films = ownFilms(history, means);
    const as = params.get("as") === "diary" && films.some(isDated) ? "diary" : "list";
    tools.update(films, as);
    if (!films.length) return body.replaceChildren(nothing(app));
    if (again) order = arranged(params, films).map(({ movie }) => movie);
    const shown = inOrder(films, order).filter((film) => as === "list" || isDated(film));
    status.textContent = words.yourFilms.shown(shown.length, films.length, as === "diary");
    if (as === "diary") updateDiary(diary, shown, history.plain);
    else updateOwnRows(app, list, shown);
    const parts = [tools.bar, status, as === "diary" ? diary : list, hint];
    if (parts.some((part, at) => body.children[at] !== part)) body.replaceChildren(...parts);
  };
  const tools = toolBar(app, () => draw(true));
  main.append(element("h1", {}, title), youTabs(app, "films"), body);
  await fetchFacts(app, means);
  app.signal.throwIfAborted();
  draw(true);
  history.on("change", async () => {
    draw(false); // at once, while the control that was used still has the focus
    if (await fetchFacts(app, means)) draw(false);
  }, app.signal);
}

/** Load titles and averages that aren't known yet, and return whether there were any; without the server the list has what the browser knows. @param {import("../app.js").App} app @param {Map<number | string, number | null>} means */
async function fetchFacts({ api, history, signal }, means) {
  const ids = ownFilms(history, means).map(({ movie }) => movie).filter((movie) => !means.has(movie));
  for (let at = 0; at < ids.length; at += MAX_FILMS) {
    const { items } = await api.post("/v1/movies/lookup", { movies: ids.slice(at, at + MAX_FILMS) }, signal).catch(() => ({ items: [] }));
    for (const { movie, mean } of items) means.set(movie, mean);
    history.describe(items);
  }
  return ids.length > 0 && !signal.aborted;
}

/** The films of the chosen kind and search, sorted. @param {URLSearchParams} params @param {OwnFilm[]} films */
function arranged(params, films) {
  const name = sortName(params);
  return sort(select(films, params.get("kind") ?? "", params.get("query") ?? ""), name, isDown(params));
}

/** @param {URLSearchParams} params */
const sortName = (params) => (Object.hasOwn(SORTS, params.get("sort") ?? "") ? params.get("sort") ?? "" : "date");

/** Whether the largest value is first. @param {URLSearchParams} params */
const isDown = (params) => SORTS[sortName(params)].down !== params.has("reverse");

/** The films in an order given by their IDs. @param {OwnFilm[]} films @param {(number | string)[]} order */
function inOrder(films, order) {
  const byId = new Map(films.map((film) => [film.movie, film]));
  return order.flatMap((movie) => byId.get(movie) ?? []);
}

/** Search, sorting, kinds, and the choice of list or diary. @param {import("../app.js").App} app @param {() => void} changed */
function toolBar(app, changed) {
  const { element, params } = app;
  const keep = (/** @type {Record<string, string | null>} */ changes) => {
    app.keep(changes);
    changed();
  };
  const search = element("input", { type: "search", id: "own-search", autocomplete: "off", maxlength: 100, placeholder: words.yourFilms.search, value: params.get("query") ?? "",
    oninput: (/** @type {Event} */ event) => keep({ query: /** @type {HTMLInputElement} */ (event.target).value }) });
  const by = element("select", { id: "own-sort", onchange: (/** @type {Event} */ event) => keep({ sort: /** @type {HTMLSelectElement} */ (event.target).value, reverse: null }) },
    Object.entries(SORTS).filter(([name]) => app.model.scale || (name !== "stars" && name !== "apart")).map(([name]) => element("option", { value: name, selected: name === sortName(params) }, words.yourFilms[/** @type {"date"} */ (name)])));
  const way = element("button", { type: "button", class: "ghost round", "aria-label": words.yourFilms.reverse, title: words.yourFilms.reverse, onclick: () => keep({ reverse: params.has("reverse") ? null : "1" }) });
  const kinds = KINDS.map((kind) => ({ kind, label: words.yourFilms[kind || "all"], chip: chipButton(app, () => keep({ kind })) }));
  const views = [["list", words.yourFilms.list], ["diary", words.yourFilms.diary]].map(([as, label]) => ({ as, button: element("button", { type: "button", class: "chip", onclick: () => keep({ as: as === "list" ? null : as }) }, label) }));
  const switcher = element("div", { class: "own-switch", role: "group", "aria-label": words.yourFilms.showAs }, views.map(({ button }) => button));
  const sorting = element("div", { class: "own-sort" }, element("label", { for: "own-sort", class: "facts" }, words.yourFilms.sortBy), by, way);
  const bar = element("div", { class: "own-tools" },
    element("div", { class: "field" }, element("label", { for: "own-search", class: "quiet" }, words.yourFilms.search), icon("search"), search),
    element("div", { class: "own-choice" }, sorting, switcher), element("div", { class: "chips", role: "group", "aria-label": words.yourFilms.kinds }, kinds.map(({ chip }) => chip)));
  const update = (/** @type {OwnFilm[]} */ films, /** @type {string} */ now) => {
    for (const { kind, label, chip } of kinds) {
      const n = kind ? films.filter((film) => film.kinds.includes(kind)).length : films.length;
      chip.hidden = kind !== "" && n === 0 && params.get("kind") !== kind;
      chip.setAttribute("aria-pressed", String((params.get("kind") ?? "") === kind));
      chip.replaceChildren(label, element("span", { class: "facts" }, ` ${format.number(n)}`));
    }
    for (const { as, button } of views) button.setAttribute("aria-pressed", String(as === now));
    switcher.hidden = !films.some(isDated);
    sorting.hidden = now === "diary";
    way.replaceChildren(icon(isDown(params) ? "falling" : "rising"));
    way.setAttribute("aria-pressed", String(params.has("reverse")));
  };
  return { bar, update };
}

/** @param {import("../app.js").App} app @param {() => void} choose */
const chipButton = ({ element }, choose) => element("button", { type: "button", class: "chip", onclick: choose });

/** Grey rows. @param {import("../app.js").App} app */
function skeleton({ element }) {
  return element("div", { class: "loading", role: "status" }, element("span", { class: "quiet" }, words.yourFilms.reading),
    element("ul", { class: "own-films", "aria-hidden": "true" }, Array.from({ length: 8 }, () => element("li", { class: "own" }))));
}

/** The view without films. @param {import("../app.js").App} app */
function nothing({ element }) {
  return emptyState(words.yourFilms.empty, words.yourFilms.emptyWhy,
    element("a", { class: "primary", href: "/?view=bring" }, words.yourFilms.importRatings), element("a", { class: "ghost", href: "/" }, words.watchlist.seeFilms));
}
