/** Questions for new users: one film at a time, selected by how informative its rating would be. */

import { titleElement, factsLine } from "../parts/cards.js";
import { dialParameters } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { cardRow } from "../parts/rows.js";
import { emptyState, loadingState } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";

export const title = "Questions";

/** Minimum answers before a list is shown. */
const MIN_ANSWERS = 3;

/** Tab-storage key of the films that the user hasn't seen. */
const UNSEEN_KEY = "unseen";

/** @typedef {import("../parts/history.js").Movie & {seen_chance: number, asked: number}} Question */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const place = element("section", { class: "question", "aria-live": "polite", "aria-label": "Question" }, loadingState("Choosing a film", 1));
  const list = element("div", { class: "so-far", "aria-live": "polite" });
  const lead = element("p", { class: "lead" });
  /** @type {(number | string)[]} */
  const unseen = readTab(UNSEEN_KEY) ?? [];
  const [asking, recommending] = [latestSignal(app.signal), latestSignal(app.signal)];
  main.append(element("h1", {}, "A few questions"), lead, place, list);

  const next = async () => {
    const signal = asking();
    const n = app.history.size;
    lead.textContent = n < MIN_ANSWERS ? `Your list appears after ${numberWord(MIN_ANSWERS - n)} more ${MIN_ANSWERS - n === 1 ? "answer" : "answers"}.` : "Each answer makes the list below better. Stop whenever you like.";
    try {
      const focused = place.contains(document.activeElement);
      /** @type {Question} */
      const question = await app.api.post("/v1/questions", { ...app.history.body(), unseen }, signal);
      if (question.movie !== null && !app.allows(question)) return skip(question);
      draw(question);
      if (focused) /** @type {HTMLElement | null} */ (place.querySelector("h2, input"))?.focus();
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(app.failed(error, next));
    }
  };
  const skip = (/** @type {Question} */ { movie }) => {
    unseen.push(movie);
    writeTab(UNSEEN_KEY, unseen);
    next();
  };
  const draw = (/** @type {Question} */ question) => {
    if (question.movie === null) {
      place.replaceChildren(emptyState("That was all", "There is nothing left to ask.", element("a", { class: "primary", href: "/" }, "See your films")));
      return;
    }
    place.replaceChildren(
      element("div", { class: "question-poster" }, app.poster(question)),
      element("div", { class: "feature-words large" },
        element("p", { class: "kicker" }, "How did you like"),
        element("h2", { tabindex: "-1" }, titleElement(question)),
        element("p", { class: "facts" }, factsLine(question)),
        app.stars(question),
        element("div", { class: "hides" },
          element("button", { type: "button", class: "ghost", onclick: () => skip(question) }, "Haven’t seen it", icon("arrow")))));
  };
  const recommend = async () => {
    const signal = recommending();
    if (app.history.size < MIN_ANSWERS) return list.replaceChildren();
    try {
      const { items, model_version } = await app.api.post("/v1/recommendations", { ...app.history.body(), ...(await dialParameters(app)), n: 6 }, signal);
      list.replaceChildren(...soFar(items));
      app.answeredBy(model_version);
    } catch {
      if (!signal.aborted) list.replaceChildren();
    }
  };
  const soFar = (/** @type {import("../parts/cards.js").Item[]} */ items) => [
    cardRow(app, { title: "Your list so far", items, near: true, options: () => ({ rate: false, hide: false }) }),
    element("p", {}, element("a", { class: "primary", href: "/" }, "See them all", icon("arrow"))),
  ];
  app.history.on("change", () => {
    next();
    recommend();
  }, app.signal);
  await Promise.all([next(), recommend()]);
}

/** Create signals, each aborted by the next one, so that no late response replaces a newer one. @param {AbortSignal} left */
function latestSignal(left) {
  let current = new AbortController();
  return () => {
    current.abort();
    current = new AbortController();
    return AbortSignal.any([current.signal, left]);
  };
}

/** A small number as a word. @param {number} n */
const numberWord = (n) => ["no", "one", "two", "three"][n] ?? String(n);
