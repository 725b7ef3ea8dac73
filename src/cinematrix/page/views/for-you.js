/** Rows of recommended films, updated with each change of the history. */

import { filmUrl, reasons, expectedStars, factsLine, hideButtons, shorten, titleElement } from "../parts/cards.js";
import { dialParameters, dials, wantedGenres } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { emptyState, loadingState } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";

export const title = "For you";
export const early = true;

/** Films per row. */
const ROW_SIZE = 12;

/** Tab-storage key of the last response, shown while the server can't be reached. */
const ANSWER_KEY = "last-rows";

/** @typedef {import("../parts/cards.js").Item} Item */
/** @typedef {{kind: string, title: string, items: Item[]}} Row */
/** @typedef {{model_version: string, fallback: boolean, rows: Row[]}} Rows */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const head = element("div", { class: "head" });
  const list = element("div", { class: "rows" }, loadingState("Looking for films"));
  /** @type {AbortController | null} */
  let request = null;

  const refresh = async () => {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    list.setAttribute("aria-busy", "true");
    try {
      const [answer] = await Promise.all([fetchRows(app, AbortSignal.any([signal, app.signal])), app.asked]);
      writeTab(ANSWER_KEY, { time: Date.now(), answer });
      draw(answer, null);
      app.answeredBy(answer.model_version);
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return;
      const last = /** @type {{status?: number}} */ (error).status === 0 ? readTab(ANSWER_KEY) : null;
      if (last) draw(last.answer, last.time);
      else list.replaceChildren(app.failed(error, refresh));
    }
    list.removeAttribute("aria-busy");
  };
  const draw = (/** @type {Rows} */ answer, /** @type {number | null} */ stale) => {
    const focus = focusedControl(list);
    head.replaceChildren(...heading(app, answer.fallback));
    list.replaceChildren(...(stale ? [staleNote(app, stale, refresh)] : []), ...rows(app, answer));
    restoreFocus(list, focus);
    if (!stale) performance.mark("films");
  };
  main.append(head, list);
  app.asked.then(() => head.after(dials(app, refresh)));
  app.history.on("change", refresh, app.signal);
  await refresh();
}

/** Request the rows. @param {import("../app.js").App} app @param {AbortSignal} signal @returns {Promise<Rows>} */
async function fetchRows(app, signal) {
  return app.api.post("/v1/rows", { ...app.history.body(), ...(await dialParameters(app)), n: ROW_SIZE }, signal);
}

/** The heading, with an introduction for new users. @param {import("../app.js").App} app @param {boolean} fallback whether the list isn't personal */
function heading(app, fallback) {
  const { element } = app;
  const { size: n, plain } = app.history;
  const verb = plain ? "watched" : "rated";
  if (!fallback) return [element("h1", {}, "For you"), element("p", { class: "lead" }, n === 1 ? `Based on the one film you ${verb} so far` : `Based on the ${n.toLocaleString("en")} films you ${verb}`)];
  return [
    element("h1", { class: "display" }, "What will you watch tonight?"),
    element("p", { class: "lead" }, "Rate a film or two below to get your own list, or start faster:"),
    element("p", { class: "buttons starts" },
      element("a", { class: "primary", href: "/?view=questions" }, "Answer a few questions", icon("arrow")),
      element("a", { class: "ghost", href: "/?view=bring" }, icon("up"), "Bring your films")),
  ];
}

/** The elements of the rows. @param {import("../app.js").App} app @param {Rows} answer @returns {HTMLElement[]} */
function rows(app, answer) {
  const { element } = app;
  const nonEmpty = answer.rows.filter((row) => row.items.length);
  if (!nonEmpty.length) return [emptyState("No film is left", "No film matches all that you chose. Remove a choice.")];
  const [first, ...rest] = nonEmpty[0].items;
  const strips = [{ ...nonEmpty[0], items: rest }, ...nonEmpty.slice(1)].filter((row) => row.items.length);
  return [feature(app, first, answer.fallback ? "To begin with" : "Tonight"), ...strips.map((row) => element("section", { class: "row", "aria-label": row.title },
    element("h2", {}, element("bdi", {}, shorten(row.title, 90))),
    element("ul", { class: "strip-of-cards", tabindex: "-1" }, row.items.map((item) => element("li", {}, app.card(item))))))];
}

/** The large card of the first film. @param {import("../app.js").App} app @param {Item} item @param {string} label */
function feature(app, item, label) {
  const { element } = app;
  const why = reasons(item);
  return element("article", { class: "feature card", "data-movie": item.movie, "aria-label": label },
    element("a", { class: "feature-poster", href: filmUrl(item.movie), tabindex: "-1", "aria-hidden": "true" }, app.poster(item)),
    element("div", { class: "feature-words" },
      element("p", { class: "kicker" }, label),
      element("h2", {}, element("a", { href: filmUrl(item.movie) }, titleElement(item))),
      element("p", { class: "facts" }, factsLine(item, wantedGenres(app.params))),
      expectedStars(item, app.model.scale),
      why && element("p", { class: "because" }, why),
      app.stars(item),
      hideButtons(app, item)));
}

/** The note above an old response. @param {import("../app.js").App} app @param {number} time @param {() => void} again */
function staleNote(app, time, again) {
  const clock = new Date(time).toLocaleTimeString("en", { timeStyle: "short" });
  return app.element("p", { class: "note", role: "status" }, `The server can't be reached. These films are from ${clock}. `,
    app.element("button", { type: "button", class: "ghost", onclick: again }, icon("undo"), "Try again"));
}

/** The control that has the focus, by its card and its place in the card. @param {HTMLElement} list */
function focusedControl(list) {
  const active = document.activeElement;
  const card = active?.closest(".card");
  if (!card || !list.contains(card)) return null;
  const controls = [...card.querySelectorAll("a, input, button")];
  return { movie: /** @type {HTMLElement} */ (card).dataset.movie, at: [...list.querySelectorAll(".card")].indexOf(card), control: controls.indexOf(/** @type {Element} */ (active)) };
}

/** Focus the same control of the same film, or of the card in its place. @param {HTMLElement} list @param {ReturnType<typeof focusedControl>} focus */
function restoreFocus(list, focus) {
  if (!focus) return;
  const cards = [...list.querySelectorAll(".card")];
  const card = cards.find((each) => /** @type {HTMLElement} */ (each).dataset.movie === focus.movie) ?? cards[Math.min(focus.at, cards.length - 1)];
  const target = card?.querySelectorAll("a, input, button")[focus.control];
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
