/** Rows of recommended films, updated in place with each change of the history. */

import { shorten, updateCard } from "../parts/cards.js";
import { dials, dialQuery } from "../parts/dials.js";
import { knownFacts } from "../parts/fact-filters.js";
import { feature } from "../parts/feature.js";
import { icon } from "../parts/dom.js";
import { keepFocus } from "../parts/focus.js";
import { updateChildren } from "../parts/keyed.js";
import { format, words } from "../parts/language.js";
import { cardRow, updateRow } from "../parts/rows.js";
import { ROW_SIZE, cardOptions, fetchRows, lastRows, rowName, rowUrl, storedRows } from "../parts/shelves.js";
import { startGrid } from "../parts/start-grid.js";
import { startLinks, startWords } from "../parts/start-words.js";
import { emptyState, rowSkeletons } from "../parts/states.js";

export const title = words.views.forYou;
export const early = true;

/** Rows whose first cards are built at once: those that a screen shows. */
const IN_VIEW = 2;

/** @typedef {import("../parts/cards.js").Item} Item */
/** @typedef {import("../parts/shelves.js").Row} Row */
/** @typedef {import("../parts/shelves.js").Rows} Rows */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element, history } = app;
  const head = element("div", { class: "head" });
  /** Whether the films to tap are shown: without ratings, until "Show my films". */
  let starting = history.size === 0;
  const note = element("div", {});
  const list = element("div", { class: "rows" }, rowSkeletons());
  /** @type {AbortController | null} */
  let request = null;

  const refresh = async () => {
    request?.abort();
    request = new AbortController();
    list.setAttribute("aria-busy", "true");
    try {
      const [answer] = await Promise.all([fetchRows(app, ROW_SIZE, AbortSignal.any([request.signal, app.signal])), app.asked]);
      draw(answer, null);
      performance.mark("films");
      app.answeredBy(answer.model_version);
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return;
      const stored = /** @type {{status?: number}} */ (error).status === 0 ? storedRows(app) : null;
      if (stored) draw(stored.answer, stored.time);
      else list.replaceChildren(app.failed(error, refresh));
    }
    list.removeAttribute("aria-busy");
  };
  const draw = (/** @type {Rows} */ answer, /** @type {number | null} */ stale) => {
    starting ||= history.size === 0;
    drawHeading(app, head, { starting, fallback: answer.fallback, done });
    list.classList.toggle("personal", !answer.fallback);
    note.replaceChildren(...(stale ? [staleNote(app, stale, refresh)] : []));
    keepFocus(list, () => drawRows(app, list, answer));
  };
  const done = () => {
    starting = false;
    drawHeading(app, head, { starting, fallback: false, done });
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  };
  drawHeading(app, head, { starting, fallback: false, done });
  list.classList.toggle("personal", history.size > 0);
  history.on("change", refresh, app.signal);
  const before = lastRows(app);
  if (before) draw(before, null);
  const fresh = refresh();
  main.append(head);
  if (dialQuery(app.params)) await knownFacts(app); // the filters stand open, and need the model's genres before anything follows them
  main.append(dials(app, refresh), note, list);
  if (!before) await fresh;
}

/** Ratings below which more films to tap are offered. */
const FEW = 5;

/**
 * Show the heading; for users without ratings an introduction with films to tap. `fallback`: the list isn't personal.
 * @param {import("../app.js").App} app @param {HTMLElement} head @param {{starting: boolean, fallback: boolean, done: () => void}} state
 */
function drawHeading(app, head, { starting, fallback, done }) {
  const { element, history } = app;
  const parts = starting ? ["welcome", "words", "grid", "links"] : ["title", fallback ? words.forYou.noneKnown : basis(history), ...(history.size < FEW ? ["more"] : [])];
  updateChildren(head, parts, {
    key: (part) => part,
    make: (part) => ({
      welcome: () => element("h1", { class: "display" }, words.forYou.welcome),
      words: () => startWords(app),
      grid: () => startGrid(app, done),
      links: startLinks,
      title: () => element("h1", {}, title),
      more: () => element("p", { class: "buttons starts" }, element("a", { class: "ghost", href: "/?view=start" }, words.forYou.tapMore, icon("arrow"))),
    }[part] ?? (() => element("p", { class: "lead" }, part)))(),
  });
}

/** The ratings that a list is based on, in words. @param {import("../parts/history.js").History} history */
const basis = ({ size, plain }) => words.forYou.basedOn(size, plain);

/** Show the rows; the first film of the first row that isn't the watchlist has a large card. @param {import("../app.js").App} app @param {HTMLElement} list @param {Rows} answer */
function drawRows(app, list, answer) {
  const nonEmpty = answer.rows.filter((row) => row.items.length);
  if (!nonEmpty.length) return list.replaceChildren(emptyState(words.forYou.noneLeft, words.forYou.noneMatches));
  const lead = nonEmpty.find(({ kind }) => kind !== "watchlist") ?? nonEmpty[0];
  const [first, ...rest] = lead.items;
  const label = answer.fallback ? words.forYou.toBegin : words.forYou.tonight;
  const rows = nonEmpty.map((row) => (row === lead ? { ...row, items: rest } : row)).filter((row) => row.items.length);
  const parts = [{ feature: first, row: null, at: 0 }, ...rows.map((row, at) => ({ feature: null, row, at }))];
  const shown = (/** @type {Row} */ row, /** @type {number} */ at) => ({ title: shorten(row.title, 90), items: row.items, near: at < IN_VIEW, all: rowUrl(row, app.params), options: cardOptions(row) });
  updateChildren(list, parts, {
    key: ({ feature: item, row }) => (row ? rowName(row) : `${label}:${item?.movie}`),
    make: ({ feature: item, row, at }) => (row ? cardRow(app, shown(row, at)) : feature(app, /** @type {Item} */ (item), label)),
    update: (section, { feature: item, row, at }) => (row ? updateRow(app, section, shown(row, at)) : updateCard(app, section, /** @type {Item} */ (item))),
  });
}

/** The note above an old response. @param {import("../app.js").App} app @param {number} time @param {() => void} again */
function staleNote(app, time, again) {
  const today = new Date(time).toDateString() === new Date().toDateString();
  const clock = today ? format.clock(time) : format.minute(time);
  return app.element("p", { class: "note", role: "status" }, `${navigator.onLine ? `${words.trouble.unreachable} ` : ""}${words.forYou.stale(clock)}`,
    app.element("button", { type: "button", class: "ghost", onclick: again }, icon("undo"), words.trouble.again));
}
